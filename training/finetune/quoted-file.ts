import { unifiedDiff } from '../../pipeline/unified-diff.js';
import type { EditRecord } from './edit-row.js';
import { changedPath, parsedPatch } from './line-edits.js';

/**
 * The lines that a patch quotes, as if they were the file, and the patch for them: for data sets that give no files.
 * The window is then smaller than serving's, and hunks are nearer to one another. Throws `RowDropped`.
 */
export function quotedFile(patch: string): Pick<EditRecord, 'files' | 'patch'> {
  const path = changedPath(patch);
  const lines = parsedPatch(patch)[0]!.hunks.flatMap((hunk) => hunk.lines);
  const side = (marks: string): string =>
    lines
      .filter((line) => marks.includes(line.charAt(0)))
      .map((line) => `${line.slice(1)}\n`)
      .join('');
  const before = side(' -');
  return { files: [{ path, content: before }], patch: unifiedDiff(path, before, side(' +')) };
}
