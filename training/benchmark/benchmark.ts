import type { LoadedEngine } from '../../server/inference/engine.js';
import { startProgress } from '../evaluation/progress.js';
import { benchmarkFigures, passCurve } from './figures.js';
import { overlapFigures, type Overlap } from './overlap.js';
import type { BenchmarkReport } from './report.js';
import { tryTask, type TaskTrial } from './task-trial.js';
import type { Task } from './tasks.js';

export interface BenchmarkOptions {
  readonly humaneval: readonly Task[];
  readonly cases: readonly Task[];
  /** Candidates asked for. */
  readonly wanted: number;
  readonly seed: number;
  /** Answers whose best score is below are held back when served. */
  readonly threshold: number;
  /** What of the tasks training has seen, if that was checked. */
  readonly overlap?: Overlap;
  readonly settings: BenchmarkReport['settings'];
  /** Where progress goes. */
  readonly stream: NodeJS.WriteStream;
}

/** Has the engine repair every task and judges its candidates by the tasks' tests. */
export async function runBenchmark(
  { engine, info }: LoadedEngine,
  options: BenchmarkOptions,
): Promise<BenchmarkReport> {
  const { wanted, seed, overlap, settings, stream } = options;
  const tasks = [...options.humaneval, ...options.cases];
  const progress = startProgress(stream, 'bugs', tasks.length);
  const trials: TaskTrial[] = [];
  try {
    for (const task of tasks) {
      trials.push(await tryTask(engine, task, wanted, seed));
      progress.tick();
    }
  } finally {
    progress.stop();
  }
  const humanevalTrials = trials.filter(({ suite }) => suite === 'humaneval');
  const humaneval = benchmarkFigures(humanevalTrials, options);
  const cases = benchmarkFigures(
    trials.filter(({ suite }) => suite === 'cases'),
    options,
  );
  if (!cases) throw new Error('There are no cases.');
  return {
    model: { ...info.model, release: info.release },
    settings,
    ...(humaneval && { humaneval: { ...humaneval, pass_curve: passCurve(humanevalTrials, wanted, seed) } }),
    cases,
    ...(overlap && { overlap: overlapFigures(overlap, humanevalTrials, options) }),
    details: trials,
    ranking: trials.flatMap(({ name, task, candidates }) =>
      candidates.length === 0
        ? []
        : [
            {
              row: name,
              group: task,
              candidates: candidates.map(({ score, formula, features, passes: right }) => ({
                score,
                formula,
                features,
                right,
              })),
            },
          ],
    ),
  };
}
