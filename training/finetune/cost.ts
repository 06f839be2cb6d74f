import type { ModelConfig } from '../../model/config.js';
import type { Graduate } from './learn.js';
import type { RunState } from './run-state.js';
import type { Sequence } from './sequences.js';

/** Numbers that a training changes, against all there are. */
export interface ParameterCount {
  readonly trainable: number;
  /** Backbone and this agent. */
  readonly total: number;
  readonly percent: number;
}

/** Floating-point operations (a multiplication and an addition are two) of one pass over the training sequences. */
export interface Operations {
  readonly agent_epoch: number;
  /** The encoder, once for the whole run. */
  readonly encode_once: number;
  /** The same sequences with gradients for every parameter of encoder and decoder. */
  readonly full_epoch: number;
  /** How many times less an epoch of the agent takes. */
  readonly ratio: number;
}

/** What a run took for one agent, counted and measured. */
export interface AdaptationCost {
  readonly parameters: ParameterCount;
  readonly operations: Operations;
  readonly wall_time: WallTime;
}

/** Seconds on the clock. */
export interface WallTime {
  /** Encoding the rows, once for all agents of the run; sources of earlier runs take none. */
  readonly encode_seconds: number;
  /** An epoch's updates of this agent, mean over the epochs. */
  readonly epoch_seconds: number;
  /** The same for all parameters at the same operations per second: an extrapolation, it was not run. */
  readonly full_epoch_seconds: number;
}

/** Counts and times the training of one agent; the times are those of its updates. */
export function adaptationCost(
  config: ModelConfig,
  { parent, sequences }: Pick<Graduate, 'parent' | 'sequences'>,
  { steps }: Pick<RunState, 'steps'>,
  encodeSeconds: number,
): AdaptationCost {
  const operations = countOperations(config, sequences.train);
  const own = steps.filter(({ agent }) => agent === parent.name);
  const seconds = own.reduce((sum, step) => sum + step.seconds, 0);
  const epoch = seconds / Math.max(1, new Set(own.map((step) => step.epoch)).size);
  return {
    parameters: countParameters(config, parent.parameters),
    operations,
    wall_time: {
      encode_seconds: encodeSeconds,
      epoch_seconds: epoch,
      full_epoch_seconds: epoch * operations.ratio,
    },
  };
}

/** Matrices of one layer: projections of attention, and feed-forward block. */
function layerParameters(config: ModelConfig): { readonly attention: number; readonly feedForward: number } {
  const { hidden_size: d, num_heads: heads, num_kv_heads: shared, head_dim: width, intermediate_size: f } = config;
  return { attention: d * width * (2 * heads + 2 * shared), feedForward: 3 * d * f };
}

/** Counts parameters by the sizes in config.json. */
export function countParameters(config: ModelConfig, agentParameters: number): ParameterCount {
  const { attention, feedForward } = layerParameters(config);
  const { hidden_size: d, num_heads: heads, head_dim: width, vocab_size: vocabulary } = config;
  const layers = config.encoder_layers + config.decoder_layers;
  // Of the last encoder layer only keys and values are used; the final norm has d weights.
  const unused = d * heads * width + feedForward;
  const backbone = layers * (attention + feedForward) - unused + vocabulary * d + d;
  const total = backbone + agentParameters;
  return { trainable: agentParameters, total, percent: (100 * agentParameters) / total };
}

/** Operations of the forward pass through what is trained: of a layer by token, of the role head by label. */
export interface TrainedOperations {
  readonly layerPerToken: number;
  readonly headPerLabel: number;
}

/** Those of an agent: its adapter and its role head. */
function agentOperations({ hidden_size: d, vocab_size: vocabulary, adapter }: ModelConfig): TrainedOperations {
  return { layerPerToken: 4 * d * adapter.rank, headPerLabel: 2 * adapter.head_rank * (d + vocabulary) };
}

/**
 * Counts the matrix products of one epoch by the sizes, without padding, norms and softmax. The agent's backward pass
 * needs gradients of activations only, none below the first layer's adapter and none for the memory.
 */
export function countOperations(
  config: ModelConfig,
  sequences: readonly Sequence[],
  trained: TrainedOperations = agentOperations(config),
): Operations {
  const { attention, feedForward } = layerParameters(config);
  const { hidden_size: d, num_heads: heads, head_dim: width, vocab_size: vocabulary } = config;
  const { decoder_layers: decoders, encoder_layers: encoders } = config;
  const matrices = 2 * (attention + feedForward);
  const scores = (queries: number, keys: number): number => 4 * heads * width * queries * keys;
  let [agentEpoch, fullEpoch, once] = [0, 0, 0];
  const encoded = new Set<number>();
  for (const { row, sourceIds, ids, labels } of sequences) {
    const [source, tokens] = [sourceIds.length, ids.length - 1];
    const own = scores(tokens, (tokens + 1) / 2);
    const overMemory = scores(tokens, source);
    const layer = matrices * tokens + own + overMemory;
    const head = 2 * vocabulary * d * labels;
    const adapters = trained.layerPerToken * tokens;
    const role = trained.headPerLabel * labels;
    agentEpoch += decoders * layer + head;
    agentEpoch += (decoders - 1) * (matrices * tokens + 2 * own + overMemory) + head;
    agentEpoch += 3 * (decoders * adapters + role);
    const encoder =
      encoders * (matrices * source + scores(source, source)) - 2 * (d * heads * width + feedForward) * source;
    // The full training reads a row's source once for all of its sequences, too.
    if (!encoded.has(row)) once += encoder;
    fullEpoch += 3 * (decoders * layer + head) + (encoded.has(row) ? 0 : 3 * encoder);
    encoded.add(row);
  }
  return { agent_epoch: agentEpoch, encode_once: once, full_epoch: fullEpoch, ratio: fullEpoch / agentEpoch };
}
