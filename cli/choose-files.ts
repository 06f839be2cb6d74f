import { findWindows, rankFiles } from '../pipeline/retrieval.js';
import { SourceFile } from '../pipeline/source-file.js';
import type { PatchRequest } from '../pipeline/types.js';
import { cutIntoWindows, type LineMeasure } from '../pipeline/windows.js';
import type { TextFile } from './repository-files.js';

/** Windows are only compared here, never read by the model, so lines are counted and tokens are not. */
const lineCounter: LineMeasure = { encodeLine: () => [] };
const windowLimits = { maxLines: 80, maxTokens: 1024 };

/** The files that fit an issue best, best first, with the retrieval of the pipeline; `maxBytes` bounds them all together. */
export function chooseFiles(
  issue: PatchRequest['issue'],
  files: readonly TextFile[],
  limits: { readonly maxFiles: number; readonly maxBytes: number },
): TextFile[] {
  const windows = files.flatMap(({ path, content }) => {
    const source = SourceFile.parse(path, content);
    return source ? cutIntoWindows(source, windowLimits, lineCounter) : [];
  });
  const byPath = new Map(files.map((file) => [file.path, file]));
  const ranked = rankFiles(findWindows(issue, windows)).flatMap(({ path }) => byPath.get(path) ?? []);
  const chosen: TextFile[] = [];
  let bytes = 0;
  for (const file of ranked.length > 0 ? ranked : files) {
    if (chosen.length === limits.maxFiles) break;
    const size = Buffer.byteLength(file.content);
    if (bytes + size > limits.maxBytes) continue;
    chosen.push(file);
    bytes += size;
  }
  return chosen;
}
