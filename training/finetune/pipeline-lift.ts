import type { Agent } from '../../adapters/agent.js';
import { loadBackbone, type Backbone, type Memory } from '../../model/backbone.js';
import { throwIfAborted } from '../../model/errors.js';
import { scoreSequence, type Score } from '../../model/score.js';
import type { AnalysedWindow } from '../evaluation/teacher-forcing.js';
import type { Estimate } from '../evaluation/statistics.js';
import type { AnalysisCache } from './analysis-cache.js';
import { crossEntropy } from './evaluation.js';
import { NO_SUMS, plus, type Sums } from './graphs.js';
import { pairedDifference } from './paired-bootstrap.js';
import type { Caches } from './run-data.js';
import type { TrainingRow } from './sequences.js';
import { evenly, windowIn } from './shown-window.js';

/** Writing an analysis takes a second or two at full size, so the lift is measured on so many rows, evenly spread. */
const MAX_ROWS = 64;

/** What analyses do for the patch: its cross-entropy, nats per token, by what the code agent reads before it. */
export interface Lift {
  readonly without_analysis: number;
  readonly own_analysis: number;
  readonly given_analysis: number;
  /** How much lower the cross-entropy is than without an analysis, in per cent. */
  readonly own_lift_percent: Estimate;
  readonly given_lift_percent: Estimate;
}

/** The lift of the agents before and after a training, on the same rows. */
export interface PipelineLift {
  readonly rows: number;
  readonly before: Lift;
  readonly after: Lift;
}

/** The two agents that work together. */
export interface AgentPair {
  readonly analyst: Agent;
  readonly coder: Agent;
}

type RowScores = Record<'without' | 'own' | 'given', Sums>;

/**
 * Measures the lift on rows of the memory cache with an analysis, whose source shows a window; undefined if there are none. Tells after each
 * row how many are done. Throws `ModelError`, `TrainingError` (`cache_unusable`).
 */
export async function pipelineLift(
  rows: readonly TrainingRow[],
  pairs: { readonly before: AgentPair; readonly after: AgentPair },
  options: {
    readonly modelDir: string;
    readonly threads: number;
    readonly seed: number;
    readonly caches: Caches;
    readonly onRow?: ((done: number, total: number) => void) | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<PipelineLift | undefined> {
  const backbone = await loadBackbone({ directory: options.modelDir, threads: options.threads });
  try {
    const usable = rows.flatMap((row) => {
      const window = row.analysisIds.length > 0 ? windowIn(row.sourceIds, backbone.tokenizer) : undefined;
      return window ? [{ row, window }] : [];
    });
    const chosen = evenly(usable, MAX_ROWS);
    const [before, after]: [RowScores[], RowScores[]] = [[], []];
    for (const { row, window } of chosen) {
      throwIfAborted(options.signal);
      const memory = await options.caches.memory.served(row.sourceIds);
      before.push(await scoresOf(row, window, { backbone, memory, cache: options.caches.analyses }, pairs.before));
      after.push(await scoresOf(row, window, { backbone, memory, cache: options.caches.analyses }, pairs.after));
      options.onRow?.(after.length, chosen.length);
    }
    if (chosen.length === 0) return undefined;
    return { rows: chosen.length, before: liftOf(before, options.seed), after: liftOf(after, options.seed) };
  } finally {
    await backbone.close();
  }
}

function liftOf(scores: readonly RowScores[], seed: number): Lift {
  const [without, own, given] = (['without', 'own', 'given'] as const).map((name) => scores.map((of) => of[name]));
  const mean = (sums: readonly Sums[]): number => crossEntropy(sums.reduce(plus, NO_SUMS));
  return {
    without_analysis: mean(without!),
    own_analysis: mean(own!),
    given_analysis: mean(given!),
    own_lift_percent: pairedDifference(without!, own!, seed).improvement_percent,
    given_lift_percent: pairedDifference(without!, given!, seed).improvement_percent,
  };
}

async function scoresOf(
  row: TrainingRow,
  window: AnalysedWindow,
  { backbone, memory, cache }: { readonly backbone: Backbone; readonly memory: Memory; readonly cache: AnalysisCache },
  { analyst, coder }: AgentPair,
): Promise<RowScores> {
  const { analyse, patch } = backbone.tokenizer.special;
  const own = await cache.of(window, analyst, backbone);
  const target = [...row.patchIds, backbone.tokenizer.eos];
  const after = async (prompt: readonly number[]): Promise<Sums> =>
    sumsOf(await scoreSequence(backbone, memory, coder, prompt, target));
  return {
    without: await after([patch]),
    own: await after([analyse, ...own, patch]),
    given: await after([analyse, ...row.analysisIds, patch]),
  };
}

function sumsOf({ loss, correct, tokens }: Score): Sums {
  return { loss, correct, count: tokens };
}
