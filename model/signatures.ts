import { agentShapes } from './agent-tensors.js';
import type { ModelConfig } from './config.js';
import type { ValueSignature } from './onnx.js';

/** A float32 value of a graph. */
export const floatValue = (name: string, ...dims: (number | string)[]): ValueSignature => ({
  name,
  type: 'float32',
  dims,
});
/** A value of token ids, positions or counts. */
export const idValue = (name: string, ...dims: (number | string)[]): ValueSignature => ({ name, type: 'int64', dims });

/** Names of the per-layer values of the graphs, made once: the decoder step uses them on every run. */
export function layerNames(config: ModelConfig): readonly LayerNames[] {
  return Array.from({ length: config.decoder_layers }, (_, layer) => ({
    memoryKey: `memory_k_${layer}`,
    memoryValue: `memory_v_${layer}`,
    pastKey: `past_k_${layer}`,
    pastValue: `past_v_${layer}`,
    newKey: `new_k_${layer}`,
    newValue: `new_v_${layer}`,
    down: `adapter_down_${layer}`,
    up: `adapter_up_${layer}`,
    gateWeight: `gate_w_${layer}`,
    gateBias: `gate_b_${layer}`,
  }));
}

export interface LayerNames {
  readonly memoryKey: string;
  readonly memoryValue: string;
  readonly pastKey: string;
  readonly pastValue: string;
  readonly newKey: string;
  readonly newValue: string;
  readonly down: string;
  readonly up: string;
  readonly gateWeight: string;
  readonly gateBias: string;
}

/** The encoder: B texts of S tokens to the keys (transposed, rotary applied) and values that each decoder layer reads. */
export function encoderSignature(config: ModelConfig): { inputs: ValueSignature[]; outputs: ValueSignature[] } {
  const { num_kv_heads: heads, head_dim: width } = config;
  return {
    inputs: [idValue('input_ids', 'B', 'S'), floatValue('source_mask', 'B', 1, 1, 'S')],
    outputs: layerNames(config).flatMap((names) => [
      floatValue(names.memoryKey, 'B', heads, width, 'S'),
      floatValue(names.memoryValue, 'B', heads, 'S', width),
    ]),
  };
}

/**
 * One decoder step: B rows with T new tokens each, over M memories (1 or B) of S tokens and a cache of capacity P.
 * A (1 or B) agents; logits at K of the new tokens. Masks are added to the scores: 0 to see, -1e9 not to.
 */
export function decoderSignature(config: ModelConfig): { inputs: ValueSignature[]; outputs: ValueSignature[] } {
  const { hidden_size: hidden, num_kv_heads: heads, head_dim: width, adapter, vocab_size: vocabulary } = config;
  const names = layerNames(config);
  return {
    inputs: [
      idValue('input_ids', 'B', 'T'),
      idValue('position_ids', 'B', 'T'),
      floatValue('memory_mask', 'M', 1, 1, 'S'),
      floatValue('past_mask', 'B', 1, 1, 'P'),
      floatValue('new_mask', 'B', 1, 'T', 'T'),
      idValue('logit_index', 'B', 'K'),
      floatValue('head_down', 'A', hidden, adapter.head_rank),
      floatValue('head_up', 'A', adapter.head_rank, vocabulary),
      ...names.flatMap((layer) => [
        floatValue(layer.memoryKey, 'M', heads, width, 'S'),
        floatValue(layer.memoryValue, 'M', heads, 'S', width),
        floatValue(layer.pastKey, 'B', heads, width, 'P'),
        floatValue(layer.pastValue, 'B', heads, 'P', width),
        floatValue(layer.down, 'A', hidden, adapter.rank),
        floatValue(layer.up, 'A', adapter.rank, hidden),
        floatValue(layer.gateWeight, 'A', hidden, 1),
        floatValue(layer.gateBias, 'A', 1, 1),
      ]),
    ],
    outputs: [
      floatValue('logits', 'B', 'K', vocabulary),
      floatValue('router_gate', 'B', 'T', config.decoder_layers),
      ...names.flatMap((layer) => [
        floatValue(layer.newKey, 'B', heads, width, 'T'),
        floatValue(layer.newValue, 'B', heads, 'T', width),
      ]),
    ],
  };
}

/** Shapes of the tensors that a training changes, by name; an agent's own unless told. */
export type TrainedShapes = Readonly<Record<string, readonly number[]>>;

/**
 * Loss of B decoder sequences of T tokens, each over its own memory of S tokens, at K of their positions; an agent's
 * tensors in the shapes of its file. Per sequence: summed cross-entropy in nats, labels that were the likeliest token,
 * labels.
 */
export function evaluationSignature(
  config: ModelConfig,
  shapes: TrainedShapes = agentShapes(config),
): { inputs: ValueSignature[]; outputs: ValueSignature[] } {
  const { num_kv_heads: heads, head_dim: width } = config;
  return {
    inputs: [
      idValue('input_ids', 'B', 'T'),
      idValue('position_ids', 'B', 'T'),
      floatValue('memory_mask', 'B', 1, 1, 'S'),
      floatValue('new_mask', 1, 1, 'T', 'T'),
      idValue('label_index', 'B', 'K'),
      idValue('labels', 'B', 'K'),
      floatValue('label_weight', 'B', 'K'),
      ...Object.entries(shapes).map(([name, shape]) => floatValue(name, ...shape)),
      ...layerNames(config).flatMap((names) => [
        floatValue(names.memoryKey, 'B', heads, width, 'S'),
        floatValue(names.memoryValue, 'B', heads, 'S', width),
      ]),
    ],
    outputs: ['loss', 'correct', 'count'].map((name) => floatValue(name, 'B')),
  };
}

/** The same, and the gradients of the cross-entropy summed over all sequences, `grad_` before the tensor's name. */
export function stepSignature(
  config: ModelConfig,
  shapes: TrainedShapes = agentShapes(config),
): { inputs: ValueSignature[]; outputs: ValueSignature[] } {
  const { inputs, outputs } = evaluationSignature(config, shapes);
  return {
    inputs,
    outputs: [...outputs, ...Object.entries(shapes).map(([name, shape]) => floatValue(`grad_${name}`, ...shape))],
  };
}
