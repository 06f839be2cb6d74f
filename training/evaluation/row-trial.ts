import { createPatches, type Engine } from '../../pipeline/pipeline.js';
import type { ProposedPatch, WindowSummary } from '../../pipeline/types.js';
import { expectedContent, isSameFile, type HeldOutRow } from './held-out.js';
import { ScratchFolder } from './scratch-folder.js';

/** One patch of an answer, tried for real. */
export interface PatchTrial {
  /** `git apply --check` took it. */
  readonly applies: boolean;
  /** The file parses with it; undefined if it did not parse without, or the language is not known. */
  readonly parses: boolean | undefined;
  /** The whole file is as the developers left it. */
  readonly exact: boolean;
  readonly score: number;
}

/** One request about one held-out row. */
export interface RowTrial {
  /** Milliseconds for the whole answer. */
  readonly ms: number;
  /** Tokens decoded, forced ones included. */
  readonly tokens: number;
  /** A window that was tried holds every line to be changed. */
  readonly found: boolean;
  /** Best first; none when the pipeline abstained. */
  readonly patches: readonly PatchTrial[];
}

/** Asks the pipeline for `n` patches with the issue and the whole file, and tries them. */
export async function tryRow(engine: Engine, row: HeldOutRow, n: number, seed: number): Promise<RowTrial> {
  const { issue, path, content } = row;
  const started = performance.now();
  const answer = await createPatches(engine, { issue, files: [{ path, content }], n, seed });
  const ms = performance.now() - started;
  const expected = expectedContent(row);
  const folder = await ScratchFolder.create(path, content);
  try {
    const patches: PatchTrial[] = [];
    for (const patch of answer.patches) patches.push(await tryPatch(engine, folder, row, patch, expected));
    const { analysis_tokens, patch_tokens } = answer.usage;
    return { ms, tokens: analysis_tokens + patch_tokens, found: holdsTheEdit(answer.windows, row), patches };
  } finally {
    await folder.remove();
  }
}

async function tryPatch(
  { syntax }: Engine,
  folder: ScratchFolder,
  { path, content }: HeldOutRow,
  { diff, score }: ProposedPatch,
  expected: string,
): Promise<PatchTrial> {
  const { applies, content: after } = await folder.try(diff);
  const isSound = (text: string): boolean | undefined => {
    const parsed = syntax?.parse(path, text);
    parsed?.dispose();
    return parsed?.isSound;
  };
  const parses = after !== undefined && isSound(content) === true ? isSound(after) : undefined;
  return { applies, parses, exact: after !== undefined && isSameFile(after, expected), score };
}

/** Whether one of the windows shows all lines that the row's edits change (for insertions: the line before). */
function holdsTheEdit(windows: readonly WindowSummary[], { edits, startLine }: HeldOutRow): boolean {
  const first = startLine + Math.min(...edits.map(([start, end]) => (start === end ? Math.max(0, start - 1) : start)));
  const last = startLine - 1 + Math.max(...edits.map(([, end]) => end));
  return windows.some(({ first_line, last_line }) => first_line <= first && last <= last_line);
}
