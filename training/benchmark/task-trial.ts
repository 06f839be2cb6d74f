import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { applyPatch, checkPatch } from '../../cli/git.js';
import { runLimited } from '../../cli/limited-process.js';
import { withScratchCopy } from '../../cli/scratch-copy.js';
import { withoutBroken } from '../../pipeline/effects.js';
import { createPatches, type Engine } from '../../pipeline/pipeline.js';
import type { Features } from '../../pipeline/features.js';
import type { RankedCandidate } from '../../pipeline/ranking.js';
import type { ProposedPatch } from '../../pipeline/types.js';
import { judgeOf, type Judge } from '../evaluation/row-trial.js';
import type { Task } from './tasks.js';

/** One candidate, tried for real. */
export interface CandidateTrial {
  readonly score: number;
  /** `git apply --check` took it. */
  readonly applies: boolean;
  /** The changed files parse; undefined if it does not apply, or it is not known. */
  readonly parses: boolean | undefined;
  /** The tests pass with it. */
  readonly passes: boolean;
}

/** With what its score is made of. */
export interface RankedTrial extends CandidateTrial {
  readonly formula: number;
  readonly features: Features;
}

/** What became of one task. */
export interface TaskTrial extends Pick<Task, 'name' | 'task' | 'suite' | 'kind'> {
  /** Milliseconds for the whole answer. */
  readonly ms: number;
  /** Best first. */
  readonly candidates: readonly RankedTrial[];
}

/** The tests of a task take well below a second; a candidate may loop for ever. */
const limits = { timeoutMs: 10_000, memoryBytes: 2 ** 30, isolated: true };

/**
 * Asks for `n` candidates and runs the task's tests with them, in a folder and a process of its own. Nothing is held back for its
 * score: whether a threshold would have done so is read off the scores.
 */
export async function tryTask(engine: Engine, task: Task, n: number, seed: number): Promise<TaskTrial> {
  const started = performance.now();
  let ranked: readonly RankedCandidate[] = [];
  const onRanked = (all: readonly RankedCandidate[]): void => {
    ranked = withoutBroken(all);
  };
  const request = { issue: task.issue, files: task.files, n, seed, min_score: 0 };
  const answer = await createPatches(engine, request, { onRanked });
  const ms = performance.now() - started;
  const candidates = await tryCandidates(judgeOf(engine), task, answer.patches);
  const { name, suite, kind } = task;
  // Nothing is held back for its score, so the patches are the first of the candidates.
  const told = candidates.map((trial, index) => {
    const { formula, features } = ranked[index]!;
    return { ...trial, formula, features };
  });
  return { name, task: task.task, suite, kind, ms, candidates: told };
}

const failed = { applies: false, parses: undefined, passes: false };

/** Tries candidates of a task in order, each in a fresh copy of its workspace. */
export async function tryCandidates(
  judge: Judge,
  task: Task,
  patches: readonly Pick<ProposedPatch, 'diff' | 'files' | 'score'>[],
): Promise<CandidateTrial[]> {
  const folder = await mkdtemp(join(tmpdir(), 'agentic-seq2seq-benchmark-'));
  try {
    for (const { path, content } of task.workspace) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    const candidates: CandidateTrial[] = [];
    for (const { diff, files, score } of patches) {
      const outcome = await withScratchCopy(folder, async ({ cwd, temporary }) => {
        if ((await checkPatch(cwd, diff)) !== undefined) return failed;
        await applyPatch(cwd, diff);
        const texts = await Promise.all(
          files.map(async (path) => judge(path, await readFile(join(cwd, path), 'utf8'))),
        );
        const parses = texts.includes(false) ? false : texts.includes(undefined) ? undefined : true;
        if (parses === false) return { applies: true, parses, passes: false };
        const { ended } = await runLimited(task.test, { cwd, temporary }, limits);
        return { applies: true, parses, passes: ended === 'passed' };
      });
      candidates.push({ score, ...outcome });
    }
    return candidates;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
