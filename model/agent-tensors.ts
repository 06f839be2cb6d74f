import type { ModelConfig } from './config.js';

/** The adapter of one decoder layer: x += sigmoid(y·gateWeight + gateBias) · relu(y·down)·up. */
export interface LayerAdapter {
  /** [d, r] */
  readonly down: Float32Array;
  /** [r, d] */
  readonly up: Float32Array;
  /** [d] */
  readonly gateWeight: Float32Array;
  /** [1] */
  readonly gateBias: Float32Array;
}

/**
 * The numbers of one agent, as the decoder takes them: they are inputs of the graph, so another agent is another object
 * and no session is reloaded. The arrays must not change once a decoder has been opened with them.
 */
export interface AgentTensors {
  readonly layers: readonly LayerAdapter[];
  /** Role head, [d, q]: logits += (hidden·headDown)·headUp. */
  readonly headDown: Float32Array;
  /** [q, V] */
  readonly headUp: Float32Array;
}

/** Shapes of the stacked tensors in an agent's file. */
export function agentShapes(config: ModelConfig): Readonly<Record<AgentTensorName, readonly number[]>> {
  const { decoder_layers: layers, hidden_size: width, vocab_size: vocabulary, adapter } = config;
  return {
    adapter_down: [layers, width, adapter.rank],
    adapter_up: [layers, adapter.rank, width],
    gate_w: [layers, width],
    gate_b: [layers],
    head_down: [width, adapter.head_rank],
    head_up: [adapter.head_rank, vocabulary],
  };
}

export const AGENT_TENSOR_NAMES = ['adapter_down', 'adapter_up', 'gate_w', 'gate_b', 'head_down', 'head_up'] as const;

export type AgentTensorName = (typeof AGENT_TENSOR_NAMES)[number];
