import type { Hunk } from '../model/constraints/hunk.js';
import type { SourceFile } from './source-file.js';

/** A change of successive lines of a file. Positions are 0-based. */
export interface LineEdit {
  readonly start: number;
  readonly deleted: number;
  /** New lines without their ends. */
  readonly added: readonly string[];
}

/** The hunks of a window as edits of its file, in order. */
export function editsOfHunks(hunks: readonly Hunk[], windowStart: number): LineEdit[] {
  return hunks.map((hunk) => ({
    start: windowStart + hunk.start + hunk.context,
    deleted: hunk.deleted,
    added: hunk.added,
  }));
}

/**
 * The whole text of a file after edits that are in order and do not overlap. Added lines get the file's usual line
 * end; a missing newline at the end of the file stays missing, a byte order mark stays in front.
 */
export function applyEdits(file: SourceFile, edits: readonly LineEdit[]): string {
  const result: string[] = [];
  let position = 0;
  let last: 'kept' | 'added' = 'kept';
  const keepUpTo = (end: number): void => {
    if (position < end) last = 'kept';
    for (; position < end; position++) {
      const line = file.lines[position]!;
      result.push(line.endsWith('\n') ? line : line + file.lineEnd);
    }
  };
  for (const edit of edits) {
    keepUpTo(edit.start);
    for (const text of withHiddenRests(file, edit)) {
      result.push(text + file.lineEnd);
      last = 'added';
    }
    position += edit.deleted;
  }
  keepUpTo(file.lines.length);
  const end = result.pop();
  if (end === undefined) return file.byteOrderMark;
  // An earlier line that has become the last keeps the end it has.
  const standsAtTheEnd = last === 'added' || !deletesLastLine(file, edits);
  const unterminated = !file.endsWithNewline && standsAtTheEnd;
  result.push(unterminated ? end.slice(0, -file.lineEnd.length) : end);
  return file.byteOrderMark + result.join('');
}

function deletesLastLine(file: SourceFile, edits: readonly LineEdit[]): boolean {
  return edits.some((edit) => edit.deleted > 0 && edit.start + edit.deleted === file.lines.length);
}

/** How much of a long line must be typed again up to the cut for its rest to be taken over. */
const MIN_OVERLAP = 16;

/**
 * The model sees only the beginning of a long line. Where an added line runs up to that cut, the rest follows,
 * so that what was never seen is not lost.
 */
function withHiddenRests(file: SourceFile, edit: LineEdit): readonly string[] {
  const rests = new Map<string, string>();
  for (let index = edit.start; index < edit.start + edit.deleted; index++) {
    const rest = file.hiddenRest(index);
    if (rest !== '') rests.set(file.view(index).slice(-MIN_OVERLAP), rest);
  }
  if (rests.size === 0) return edit.added;
  return edit.added.map((text) => text + (rests.get(text.slice(-MIN_OVERLAP)) ?? ''));
}

/**
 * What an edited file says, without blank lines and spaces at the ends of lines: candidates that agree in it
 * are the same proposal.
 */
export function normalisedText(text: string): string {
  return text
    .replace(/[^\S\n]+$/gm, '')
    .replace(/\n{2,}/g, '\n')
    .trimEnd();
}
