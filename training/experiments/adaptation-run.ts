import type { RequiredAgent } from '../../agents/names.js';
import type { Operations, ParameterCount } from '../finetune/cost.js';
import type { Sums } from '../finetune/graphs.js';
import type { Settings } from '../finetune/trainer.js';
import { improvement, type Improvement } from './intervals.js';
import type { ParameterLocality } from './locality.js';
import type { Snapshot } from './snapshot.js';
import type { Taught } from './teaching.js';

/** One agent adapted to one repository. */
export interface AdaptationRun {
  readonly repository: string;
  readonly agent: RequiredAgent;
  readonly seed: number;
  readonly before: Snapshot;
  readonly after: Snapshot;
  readonly taught: Taught;
  readonly test: readonly string[];
  readonly settings: Settings;
  readonly locality: ParameterLocality;
  readonly parameters: ParameterCount;
  readonly operations: Operations;
}

/** The figure that an agent's adaptation is to improve: for the code agent, as in the seed, after the right analysis. */
function targetRows(agent: RequiredAgent, of: Snapshot): readonly Sums[] {
  return agent === 'issue-analysis' ? of.issue : of.code_gold_gist;
}

/** Improvement of the adapted agent's own figure, the held-out rows of all runs together. */
export function improvementOf(runs: readonly AdaptationRun[], agent: RequiredAgent): Improvement {
  const rows = (which: 'before' | 'after') => runs.flatMap((run) => targetRows(agent, run[which]));
  return improvement(rows('before'), rows('after'), 0);
}

/** How many times less the adaptation computes than the same epochs of a training of everything, the encoder's pass included. */
export function computeRatio({ operations, settings }: AdaptationRun): number {
  const { agent_epoch: own, encode_once: once, full_epoch: full } = operations;
  return (settings.epochs * full) / (settings.epochs * own + once);
}
