import type { ModelConfig } from '../../model/config.js';
import { MASKED, causalMask } from '../../model/masks.js';
import { EncodedMemory } from '../../model/memory.js';
import { tensor, type Feeds } from '../../model/onnx.js';
import { layerNames } from '../../model/signatures.js';
import type { Sequence } from './sequences.js';

/** A sequence with the memory of its source, as the cache keeps it. */
export interface Item {
  readonly sequence: Sequence;
  readonly memory: Float32Array;
}

/** The graphs' inputs for some sequences, padded to the longest; the agent's tensors are not among them. */
export function stepInputs(items: readonly Item[], config: ModelConfig): Feeds {
  const rows = items.length;
  const longest = (of: (sequence: Sequence) => number): number =>
    Math.max(...items.map(({ sequence }) => of(sequence)));
  const source = longest(({ sourceIds }) => sourceIds.length);
  const tokens = longest(({ ids }) => ids.length - 1);
  const labels = longest((sequence) => sequence.labels);
  const ids = (): BigInt64Array => new BigInt64Array(rows * tokens);
  const [inputs, positions] = [ids(), ids()];
  const index = new BigInt64Array(rows * labels);
  const wanted = new BigInt64Array(rows * labels);
  const weight = new Float32Array(rows * labels);
  const memoryMask = new Float32Array(rows * source).fill(MASKED);
  for (const [row, { sequence }] of items.entries()) {
    const length = sequence.ids.length - 1;
    const first = length - sequence.labels;
    for (let at = 0; at < length; at++) {
      inputs[row * tokens + at] = BigInt(sequence.ids[at]!);
      positions[row * tokens + at] = BigInt(sequence.sourceIds.length + at);
    }
    for (let label = 0; label < sequence.labels; label++) {
      index[row * labels + label] = BigInt(first + label);
      wanted[row * labels + label] = BigInt(sequence.ids[first + label + 1]!);
    }
    weight.fill(1, row * labels, row * labels + sequence.labels);
    memoryMask.fill(0, row * source, row * source + sequence.sourceIds.length);
  }
  return {
    input_ids: tensor('int64', inputs, [rows, tokens]),
    position_ids: tensor('int64', positions, [rows, tokens]),
    memory_mask: tensor('float32', memoryMask, [rows, 1, 1, source]),
    new_mask: tensor('float32', causalMask(1, tokens), [1, 1, tokens, tokens]),
    label_index: tensor('int64', index, [rows, labels]),
    labels: tensor('int64', wanted, [rows, labels]),
    label_weight: tensor('float32', weight, [rows, labels]),
    ...memoryInputs(
      items.map(({ sequence, memory }) => ({ sourceLength: sequence.sourceIds.length, memory })),
      config,
      source,
    ),
  };
}

/** A source's memory as the cache keeps it, as the served decoder takes it. */
export function servedMemory(sourceLength: number, memory: Float32Array, config: ModelConfig): EncodedMemory {
  const mask = tensor('float32', new Float32Array(sourceLength), [1, 1, 1, sourceLength]);
  const feeds = memoryInputs([{ sourceLength, memory }], config, sourceLength);
  return new EncodedMemory(sourceLength, { memory_mask: mask, ...feeds });
}

/** `memory_k_i` [B, G, h, S] and `memory_v_i` [B, G, S, h] with S = `padded`; what is beyond a source is masked. */
function memoryInputs(
  items: readonly { readonly sourceLength: number; readonly memory: Float32Array }[],
  config: ModelConfig,
  padded: number,
): Feeds {
  const { num_kv_heads: heads, head_dim: width } = config;
  const size = heads * width * padded;
  const feeds: Feeds = {};
  for (const [layer, { memoryKey, memoryValue }] of layerNames(config).entries()) {
    const keys = new Float32Array(items.length * size);
    const values = new Float32Array(items.length * size);
    for (const [row, { sourceLength: length, memory }] of items.entries()) {
      const part = heads * width * length;
      const start = 2 * layer * part;
      copyRows(memory.subarray(start, start + part), length, keys, row * size, padded);
      copyRows(memory.subarray(start + part, start + 2 * part), length * width, values, row * size, padded * width);
    }
    feeds[memoryKey] = tensor('float32', keys, [items.length, heads, width, padded]);
    feeds[memoryValue] = tensor('float32', values, [items.length, heads, padded, width]);
  }
  return feeds;
}

/** Copies rows of `length` numbers to where rows are `stride` apart. */
function copyRows(from: Float32Array, length: number, to: Float32Array, offset: number, stride: number): void {
  for (let row = 0; row * length < from.length; row++) {
    to.set(from.subarray(row * length, (row + 1) * length), offset + row * stride);
  }
}
