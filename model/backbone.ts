import path from 'node:path';
import type { AgentTensors } from './agent-tensors.js';
import { readConfig, type ModelConfig } from './config.js';
import { GraphDecoder } from './decoder.js';
import type { DecoderState, Memory } from './decoder-state.js';
import { ModelError, throwIfAborted } from './errors.js';
import { EncodedMemory } from './memory.js';
import { Graph, floats, tensor, type Feeds } from './onnx.js';
import { decoderSignature, encoderSignature, layerNames } from './signatures.js';
import { loadTokenizer, type Tokenizer } from './tokenizer.js';

export type { DecoderState, Feed, Memory, Row } from './decoder-state.js';

/** The frozen encoder-decoder: tokenizer, sessions and limits. */
export interface Backbone {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  /** Runs the encoder on 1 to `max_source_tokens` ids. Throws `ModelError`: `input_too_long`, `token_invalid`, `aborted`, `graph_failed`. */
  encode(ids: readonly number[], signal?: AbortSignal): Promise<Memory>;
  /** Opens a decoder over a memory with an agent's tensors. */
  open(memory: Memory, agent: AgentTensors): DecoderState;
  /** Releases the sessions; every state becomes useless. */
  close(): Promise<void>;
}

/** Settings of the runtime. */
export interface BackboneOptions {
  /** Directory with config.json, graphs, weights and tokenizer. */
  readonly directory: string;
  /** Threads of one graph run; default 1. */
  readonly threads?: number;
}

/** Loads a model directory and checks that its parts fit together. Throws `ModelError` (see its codes). */
export async function loadBackbone({ directory, threads = 1 }: BackboneOptions): Promise<Backbone> {
  const config = await readConfig(directory);
  const file = (name: string): string => path.join(directory, name);
  const tokenizer = await loadTokenizer(file(config.files.tokenizer), config);
  const encoder = await Graph.load({ file: file(config.files.encoder), threads, ...encoderSignature(config) });
  try {
    const decoder = await Graph.load({
      file: file(config.files.decoder),
      threads,
      ...decoderSignature(config),
    });
    return new OnnxBackbone(config, tokenizer, encoder, decoder);
  } catch (error) {
    await encoder.dispose();
    throw error;
  }
}

class OnnxBackbone implements Backbone {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  readonly #encoder: Graph;
  readonly #decoder: Graph;

  constructor(config: ModelConfig, tokenizer: Tokenizer, encoder: Graph, decoder: Graph) {
    this.config = config;
    this.tokenizer = tokenizer;
    this.#encoder = encoder;
    this.#decoder = decoder;
  }

  async encode(ids: readonly number[], signal?: AbortSignal): Promise<Memory> {
    const { max_source_tokens: limit, vocab_size: size, num_kv_heads: heads, head_dim: width } = this.config;
    const length = ids.length;
    if (length === 0 || length > limit) {
      throw new ModelError('input_too_long', `The encoder takes 1 to ${limit} tokens, not ${length}.`);
    }
    throwIfAborted(signal);
    const outputs = await this.#encoder.run({
      input_ids: tensor(
        'int64',
        BigInt64Array.from(ids, (id) => checkedId(id, size)),
        [1, length],
      ),
      source_mask: tensor('float32', new Float32Array(length), [1, 1, 1, length]),
    });
    const feeds: Feeds = { memory_mask: tensor('float32', new Float32Array(length), [1, 1, 1, length]) };
    for (const names of layerNames(this.config)) {
      feeds[names.memoryKey] = tensor('float32', floats(outputs, names.memoryKey), [1, heads, width, length]);
      feeds[names.memoryValue] = tensor('float32', floats(outputs, names.memoryValue), [1, heads, length, width]);
    }
    return new EncodedMemory(length, feeds);
  }

  open(memory: Memory, agent: AgentTensors): DecoderState {
    if (!(memory instanceof EncodedMemory)) throw new ModelError('row_invalid', 'The memory is not from encode().');
    return new GraphDecoder(this.#decoder, this.config, memory, agent);
  }

  async close(): Promise<void> {
    await Promise.all([this.#encoder.dispose(), this.#decoder.dispose()]);
  }
}

function checkedId(id: number, size: number): bigint {
  if (!Number.isInteger(id) || id < 0 || id >= size) throw new ModelError('token_invalid', `There is no token ${id}.`);
  return BigInt(id);
}
