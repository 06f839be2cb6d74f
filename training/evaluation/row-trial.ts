import { spawnSync } from 'node:child_process';
import { createPatches, type Engine } from '../../pipeline/pipeline.js';
import type { RankedCandidate } from '../../pipeline/ranking.js';
import type { ProposedPatch, WindowSummary } from '../../pipeline/types.js';
import type { JudgedCandidate } from '../ranking/judged.js';
import { expectedContent, isSameFile, type HeldOutRow } from './held-out.js';
import { ScratchFolder } from './scratch-folder.js';

/** One patch of an answer, tried for real. */
export interface PatchTrial {
  /** `git apply --check` took it. */
  readonly applies: boolean;
  /** The file parses with it, says {@link judgeName}; undefined if it did not parse without, or it is not known. */
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
  /** Best first, those that would be held back for their score, too. */
  readonly patches: readonly PatchTrial[];
  /** All candidates up to the number asked for, best first, held back or not. */
  readonly candidates: readonly JudgedCandidate[];
}

const PYTHON_FILE = /\.pyi?$/i;
const AST_PARSE = 'import ast, sys; ast.parse(sys.stdin.buffer.read())';
const TIMEOUT_MS = 30_000;

/** Whether a file's text parses; undefined when that is not known. */
export type Judge = (path: string, text: string) => boolean | undefined;

/** Whether Python itself takes a text; what it warns about does not count. */
function parsesInPython(text: string): boolean {
  return (
    spawnSync('python3', ['-I', '-W', 'ignore', '-c', AST_PARSE], { input: text, timeout: TIMEOUT_MS }).status === 0
  );
}

let pythonFound: boolean | undefined;

/** Whether python3 can be run. */
export function hasPython(): boolean {
  pythonFound ??= parsesInPython('');
  return pythonFound;
}

/** Who says whether a patched file parses: Python, as the pipeline's own check would confirm itself; that one without. */
export function judgeName(): string {
  return hasPython() ? "python3's ast.parse" : "the pipeline's own check (there is no python3)";
}

/** The judge that {@link judgeName} names. */
export function judgeOf({ syntax }: Pick<Engine, 'syntax'>): Judge {
  return (path, text) => {
    if (PYTHON_FILE.test(path) && hasPython()) return parsesInPython(text);
    const parsed = syntax?.parse(path, text);
    parsed?.dispose();
    return parsed?.isSound;
  };
}

/** Asks the pipeline for `n` patches with the issue and the whole file, however they score, and tries them. */
export async function tryRow(engine: Engine, row: HeldOutRow, n: number, seed: number): Promise<RowTrial> {
  const { issue, path, content } = row;
  const started = performance.now();
  let ranked: readonly RankedCandidate[] = [];
  const onRanked = (all: readonly RankedCandidate[]): void => {
    ranked = all.slice(0, n);
  };
  const request = { issue, files: [{ path, content }], n, seed, min_score: 0 };
  const answer = await createPatches(engine, request, { onRanked });
  const ms = performance.now() - started;
  const expected = expectedContent(row);
  const folder = await ScratchFolder.create(path, content);
  try {
    const patches: PatchTrial[] = [];
    for (const patch of answer.patches) patches.push(await tryPatch(judgeOf(engine), folder, row, patch, expected));
    const { analysis_tokens, patch_tokens } = answer.usage;
    return {
      ms,
      tokens: analysis_tokens + patch_tokens,
      found: holdsTheEdit(answer.windows, row),
      patches,
      candidates: ranked.map(({ score, formula, features, after }) => ({
        score,
        formula,
        features,
        right: isSameFile(after, expected),
      })),
    };
  } finally {
    await folder.remove();
  }
}

async function tryPatch(
  judge: Judge,
  folder: ScratchFolder,
  { path, content }: HeldOutRow,
  { diff, score }: ProposedPatch,
  expected: string,
): Promise<PatchTrial> {
  const { applies, content: after } = await folder.try(diff);
  const parses = after !== undefined && judge(path, content) === true ? judge(path, after) : undefined;
  return { applies, parses, exact: after !== undefined && isSameFile(after, expected), score };
}

/** Whether one of the windows shows all lines that the row's edits change (for insertions: the line before). */
function holdsTheEdit(windows: readonly WindowSummary[], { edits, startLine }: HeldOutRow): boolean {
  const first = startLine + Math.min(...edits.map(([start, end]) => (start === end ? Math.max(0, start - 1) : start)));
  const last = startLine - 1 + Math.max(...edits.map(([, end]) => end));
  return windows.some(({ first_line, last_line }) => first_line <= first && last <= last_line);
}
