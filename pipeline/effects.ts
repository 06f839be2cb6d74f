import type { WrittenPatch } from './candidates.js';
import { applyEdits, editsOfHunks, type LineEdit } from './edits.js';
import type { ParsedFile, SyntaxChecker } from './syntax.js';
import type { CodeWindow } from './windows.js';

/** What a written patch does to its file. */
export interface Effect {
  readonly written: WrittenPatch;
  /** Edits of the file, in order. */
  readonly edits: readonly LineEdit[];
  /** The whole file without and with the edits. */
  readonly before: string;
  readonly after: string;
  /** Whether the file parses; null if its language is not known. */
  readonly parsesBefore: boolean | null;
  readonly parsesAfter: boolean | null;
  /** Whether all changed lines are comments, documentation or blank; false if that is not known. */
  readonly isProse: boolean;
}

/** The effects of the patches of one window; without those that change nothing. */
export function effectsOf(
  window: CodeWindow,
  written: readonly WrittenPatch[],
  checker: SyntaxChecker | undefined,
): Effect[] {
  const { path, text: before } = window.file;
  const parsedBefore = written.length > 0 ? checker?.parse(path, before) : undefined;
  const effects = written.flatMap((patch): Effect[] => {
    const edits = editsOfHunks(patch.hunks, window.start);
    const after = applyEdits(window.file, edits);
    if (after === before) return [];
    const parsedAfter = checker?.parse(path, after);
    const effect = {
      written: patch,
      edits,
      before,
      after,
      parsesBefore: parsedBefore?.isSound ?? null,
      parsesAfter: parsedAfter?.isSound ?? null,
      isProse: changesOnlyProse(edits, parsedBefore, parsedAfter),
    };
    parsedAfter?.dispose();
    return [effect];
  });
  parsedBefore?.dispose();
  return effects;
}

function changesOnlyProse(
  edits: readonly LineEdit[],
  before: ParsedFile | undefined,
  after: ParsedFile | undefined,
): boolean {
  if (!before || !after) return false;
  let shift = 0;
  return edits.every(({ start, deleted, added }) => {
    const first = start + shift;
    shift += added.length - deleted;
    return isProseRun(before, start, deleted) && isProseRun(after, first, added.length);
  });
}

function isProseRun(parsed: ParsedFile, start: number, length: number): boolean {
  for (let row = start; row < start + length; row++) if (!parsed.isProseLine(row)) return false;
  return true;
}
