import { agentShapes } from '../../model/agent-tensors.js';
import type { ModelConfig } from '../../model/config.js';
import { countOperations, countParameters, type TrainedOperations } from '../finetune/cost.js';
import type { Sequence } from '../finetune/sequences.js';
import { countOf, hiddenUnits, moeShapes, type MoeSizes } from './tensors.js';

/** Sizes and operations of one side, counted; percentages are of backbone and everything trained together. */
export interface SideCost {
  /** Numbers of both agents, or of the mixture. */
  readonly parameters: number;
  /** Numbers that change when one role is adapted. */
  readonly adapted: number;
  readonly adaptedPercent: number;
  /** Share of all parameters that a token's pass multiplies (row 82 of the seed's inventory, the embedding counted once). */
  readonly activePercent: number;
  /** Operations of an epoch of these sequences, forward and back. */
  operations(sequences: readonly Sequence[]): number;
}

/** Two agents: one is adapted, one is active. */
export function agentsCost(config: ModelConfig): SideCost {
  const agent = countOf(agentShapes(config));
  const { total } = countParameters(config, 2 * agent);
  return {
    parameters: 2 * agent,
    adapted: agent,
    adaptedPercent: (100 * agent) / total,
    activePercent: (100 * (total - agent)) / total,
    operations: (sequences) => countOperations(config, sequences).agent_epoch,
  };
}

/**
 * A mixture: all of it is adapted with either role; router, `topK` experts and the role head are active. Operations are
 * those of a runtime that multiplies the chosen experts only; `dense` counts all experts, as the graphs compute them.
 */
export function mixtureCost(
  config: ModelConfig,
  sizes: MoeSizes,
  topK: number,
): SideCost & { readonly dense: SideCost['operations'] } {
  const parameters = countOf(moeShapes(config, sizes));
  const { total } = countParameters(config, parameters);
  const { hidden_size: d, vocab_size: vocabulary, decoder_layers: layers } = config;
  const units = hiddenUnits(sizes);
  const active = (units * topK) / sizes.experts;
  const operations =
    (hidden: number): SideCost['operations'] =>
    (sequences) => {
      const trained: TrainedOperations = {
        layerPerToken: 4 * d * hidden + 2 * d * sizes.experts,
        headPerLabel: 2 * sizes.head_rank * (d + vocabulary),
      };
      return countOperations(config, sequences, trained).agent_epoch;
    };
  return {
    parameters,
    adapted: parameters,
    adaptedPercent: (100 * parameters) / total,
    activePercent: (100 * (total - 2 * d * layers * (units - active))) / total,
    operations: operations(active),
    dense: operations(units),
  };
}
