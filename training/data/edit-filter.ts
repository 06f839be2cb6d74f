import type { SyntaxChecker } from '../../pipeline/syntax.js';
import { applyEdits, type LineEdit } from '../../pipeline/edits.js';
import { SourceFile } from '../../pipeline/source-file.js';
import { saysTheSame } from './meaning.js';
import { proseOf } from './prose.js';

/** Why an edit of a commit is not worth learning from. */
export type EditFault = 'large_edit' | 'long_lines' | 'encoding' | 'comments' | 'formatting' | 'imports';

/** The limits of the backbone's data (training/pretrain/refine.py). */
const MAX_EDITS = 6;
const MAX_LINES = 150;
const MAX_NEW_LINES = 30;
const MAX_CHANGED_LINE = 200;
const MAX_LINE = 1000;
const MAX_CHARACTERS = 9000;

const NO_TEXT = /[\ufffd\f]/;
const IMPORT = /^\s*(?:from\s+\S+\s+import\b|import\b|#\s*include\b|use\b|using\b|require\b|[\w, ]+,?\)?$|\)$)/;
const IMPORT_WORD = /\b(?:import|include|use|using|require)\b/;

/**
 * Those of a hunk's edits that change what the code does, or why none is of use. `shown` are the hunk's lines of the
 * file before.
 */
export function usefulEdits(
  file: SourceFile,
  shown: readonly string[],
  edits: readonly LineEdit[],
  checker: SyntaxChecker,
): readonly LineEdit[] | EditFault {
  const added = edits.flatMap((edit) => edit.added);
  const deleted = edits.flatMap((edit) => deletedLines(file, edit));
  const isInsertion = deleted.length === 0;
  if (shown.length > MAX_LINES || edits.length > MAX_EDITS || (isInsertion && added.length > MAX_NEW_LINES)) {
    return 'large_edit';
  }
  const characters = shown.reduce((sum, line) => sum + line.length, 0);
  const isLong = [...added, ...deleted].some((line) => line.length > MAX_CHANGED_LINE);
  if (isLong || characters > MAX_CHARACTERS || shown.some((line) => line.length > MAX_LINE)) return 'long_lines';
  if ([...shown, ...added].some((line) => NO_TEXT.test(line))) return 'encoding';
  const effects = effectsOf(file, edits, checker);
  const useful = edits.filter((_, at) => effects[at] === 'code');
  if (useful.length === 0) return effects.includes('formatting') ? 'formatting' : 'comments';
  const changed = useful.flatMap((edit) => [...edit.added, ...deletedLines(file, edit)]);
  const isImport = changed.every((line) => line.trim() === '' || IMPORT.test(line));
  return isImport && changed.some((line) => IMPORT_WORD.test(line)) ? 'imports' : useful;
}

/** The lines that an edit takes away. */
export function deletedLines(file: SourceFile, { start, deleted }: LineEdit): string[] {
  return Array.from({ length: deleted }, (_, offset) => file.lineText(start + offset));
}

/** What each edit changes: the code, or only its layout, or only comments and documentation. */
function effectsOf(
  file: SourceFile,
  edits: readonly LineEdit[],
  checker: SyntaxChecker,
): ('code' | 'comments' | 'formatting')[] {
  const isProseBefore = proseOf(file.path, file.text, checker);
  const isProseAfter = proseOf(file.path, applyEdits(file, edits), checker);
  let shift = 0;
  return edits.map((edit) => {
    const first = edit.start + shift;
    shift += edit.added.length - edit.deleted;
    const before = deletedLines(file, edit).filter((_, offset) => !isProseBefore(edit.start + offset));
    const after = edit.added.filter((_, offset) => !isProseAfter(first + offset));
    const isBlank = [...deletedLines(file, edit), ...edit.added].every((line) => line.trim() === '');
    if (before.length + after.length === 0) return isBlank ? 'formatting' : 'comments';
    return saysTheSame(before, after, file.path) ? 'formatting' : 'code';
  });
}
