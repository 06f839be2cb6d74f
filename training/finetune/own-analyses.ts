import type { Agent } from '../../adapters/agent.js';
import type { Backbone } from '../../model/backbone.js';
import { throwIfAborted } from '../../model/errors.js';
import type { AnalysisCache } from './analysis-cache.js';
import { FRAME_TOKENS, type OnLine } from './rows.js';
import type { TrainingRow } from './sequences.js';
import { evenly, windowIn } from './shown-window.js';
import type { Split } from './split.js';

/** Which rows got an analysis that the analysis agent wrote. */
export interface OwnAnalyses {
  readonly rows: number;
  /** Generation of the agent that wrote them. */
  readonly analyst: string;
  /** Seconds of this run; what an earlier run wrote takes none. */
  readonly seconds: number;
}

/**
 * Gives some rows of a split, evenly spread over its three parts, the analysis that the analysis agent writes about them,
 * beside their own: a code agent that reads right analyses only believes every word of a wrong one. Rows that show no window,
 * or would be too long, get none. Throws `ModelError`, `TrainingError` (`cache_unusable`).
 */
export async function withOwnAnalyses(
  split: Split,
  count: number,
  analyst: Agent,
  backbone: Backbone,
  options: {
    readonly cache: AnalysisCache;
    readonly onRow?: OnLine | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<{ readonly split: Split; readonly own: OwnAnalyses }> {
  const { tokenizer, config } = backbone;
  const began = performance.now();
  const usable = [...split.train, ...split.valid, ...split.heldOut].flatMap((row) => {
    const window = windowIn(row.sourceIds, tokenizer);
    return window ? [{ row, window }] : [];
  });
  const chosen = evenly(usable, count);
  const written = new Map<TrainingRow, readonly number[]>();
  for (const [at, { row, window }] of chosen.entries()) {
    throwIfAborted(options.signal);
    const ownAnalysisIds = await options.cache.of(window, analyst, backbone);
    if (ownAnalysisIds.length + row.patchIds.length + FRAME_TOKENS <= config.max_target_tokens) {
      written.set(row, ownAnalysisIds);
    }
    options.onRow?.(at + 1, chosen.length);
  }
  const part = (rows: readonly TrainingRow[]): TrainingRow[] =>
    rows.map((row) => ({ ...row, ownAnalysisIds: written.get(row) }));
  const seconds = (performance.now() - began) / 1000;
  return {
    split: { ...split, train: part(split.train), valid: part(split.valid), heldOut: part(split.heldOut) },
    own: { rows: written.size, analyst: analyst.generation, seconds },
  };
}
