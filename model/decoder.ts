import type { AgentTensors } from './agent-tensors.js';
import type { ModelConfig } from './config.js';
import type { DecoderState, Feed, Row } from './decoder-state.js';
import { ModelError, throwIfAborted } from './errors.js';
import { KvCache } from './kv-cache.js';
import { causalMask } from './masks.js';
import type { EncodedMemory } from './memory.js';
import { floats, tensor, type Feeds, type Graph, type GraphTensor } from './onnx.js';
import { layerNames, type LayerNames } from './signatures.js';
import { planBatches } from './step-plan.js';

/** A row's tokens and its slot in the cache; the slot changes when rows are put side by side. */
class CacheRow implements Row {
  readonly tokens: number[];
  slot: number;

  constructor(slot: number, tokens: number[] = []) {
    this.slot = slot;
    this.tokens = tokens;
  }
}

/** The small inputs of one batch shape, kept between steps: B rows of T tokens with K logits each. */
interface BatchInputs {
  readonly ids: BigInt64Array;
  readonly positions: BigInt64Array;
  readonly index: BigInt64Array;
  readonly feeds: Feeds;
}

/** Most batch shapes whose inputs are kept. */
const KEPT_SHAPES = 64;
/** Longest batch whose inputs are kept: prompts are longer and differ. */
const KEPT_TOKENS = 32;
/** The graph's rotary table goes this far beyond the longest source and target. */
const SPARE_POSITIONS = 64;

/**
 * Decoder over the ONNX graph. The feeds object lives as long as the state: memory and agent are put in once, the cache's
 * arrays are referred to, and a step writes only ids, positions and the new tokens' keys and values.
 */
export class GraphDecoder implements DecoderState {
  readonly #graph: Graph;
  readonly #config: ModelConfig;
  readonly #names: readonly LayerNames[];
  readonly #sourceLength: number;
  readonly #cache: KvCache;
  #feeds: Feeds;
  /** Row of each used slot; slots are used from 0 without gaps. */
  readonly #rows: CacheRow[] = [];
  readonly #views = new Map<number, Feeds>();
  #viewsVersion = 0;
  readonly #inputs = new Map<string, BatchInputs>();
  #gateSum = 0;
  #gateCount = 0;
  #runs = 0;
  #tokens = 0;
  #sequences = 0;
  #stepping = false;

  constructor(graph: Graph, config: ModelConfig, memory: EncodedMemory, agent: AgentTensors) {
    this.#graph = graph;
    this.#config = config;
    this.#names = layerNames(config);
    this.#sourceLength = memory.sourceLength;
    this.#feeds = { ...memory.feeds, ...agentFeeds(agent, config, this.#names) };
    this.#cache = new KvCache({
      layers: config.decoder_layers,
      heads: config.num_kv_heads,
      width: config.head_dim,
    });
  }

  get routerGateMean(): number {
    return this.#gateCount === 0 ? 0 : this.#gateSum / this.#gateCount;
  }

  get usage(): DecoderState['usage'] {
    return { runs: this.#runs, tokens: this.#tokens, sequences: this.#sequences };
  }

  row(): Row {
    return this.#add([]);
  }

  fork(row: Row): Row {
    const source = this.#own(row);
    const copy = this.#add([...source.tokens]);
    this.#cache.copy(source.slot, copy.slot);
    return copy;
  }

  drop(row: Row): void {
    const dropped = this.#own(row);
    const last = this.#rows[this.#rows.length - 1]!;
    if (last !== dropped) {
      this.#cache.copy(last.slot, dropped.slot);
      this.#cache.setLength(last.slot, 0);
      last.slot = dropped.slot;
      this.#rows[last.slot] = last;
    } else {
      this.#cache.setLength(dropped.slot, 0);
    }
    this.#rows.pop();
    dropped.slot = -1;
  }

  truncate(row: Row, length: number): void {
    const own = this.#own(row);
    if (!Number.isInteger(length) || length < 0 || length > own.tokens.length) {
      throw new ModelError('row_invalid', `A row of ${own.tokens.length} tokens cannot be cut to ${length}.`);
    }
    own.tokens.length = length;
    this.#cache.setLength(own.slot, length);
  }

  async step(feeds: readonly Feed[], signal?: AbortSignal): Promise<Float32Array[][]> {
    if (this.#stepping) throw new ModelError('row_invalid', 'A step is still under way.');
    for (const feed of feeds) this.#check(feed);
    if (new Set(feeds.map((feed) => feed.row)).size !== feeds.length) {
      throw new ModelError('row_invalid', 'A row cannot be fed twice in one step.');
    }
    this.#stepping = true;
    try {
      const logits: Float32Array[][] = feeds.map(() => []);
      for (const batch of planBatches(feeds.map((feed) => feed.tokens.length))) {
        throwIfAborted(signal);
        const first = this.#gather(batch.map((index) => this.#own(feeds[index]!.row)));
        const inSlotOrder = batch.sort((a, b) => this.#own(feeds[a]!.row).slot - this.#own(feeds[b]!.row).slot);
        const results = await this.#run(
          first,
          inSlotOrder.map((index) => feeds[index]!),
        );
        results.forEach((result, position) => (logits[inSlotOrder[position]!] = result));
      }
      return logits;
    } finally {
      this.#stepping = false;
    }
  }

  close(): void {
    for (const row of [...this.#rows].reverse()) this.drop(row);
    this.#cache.release();
    this.#views.clear();
    this.#inputs.clear();
    this.#feeds = {};
  }

  #add(tokens: number[]): CacheRow {
    if (this.#stepping) throw new ModelError('row_invalid', 'Rows cannot be added during a step.');
    const row = new CacheRow(this.#rows.length, tokens);
    this.#cache.reserveSlots(row.slot + 1);
    this.#rows.push(row);
    return row;
  }

  #own(row: Row): CacheRow {
    if (row instanceof CacheRow && this.#rows[row.slot] === row) return row;
    throw new ModelError('row_invalid', 'The row was dropped or belongs to another state.');
  }

  #check({ row, tokens, logits = 1 }: Feed): void {
    const length = this.#own(row).tokens.length + tokens.length;
    if (tokens.length === 0) throw new ModelError('row_invalid', 'A step needs at least one token per row.');
    if (!Number.isInteger(logits) || logits < 0 || logits > tokens.length) {
      throw new ModelError('row_invalid', `Logits of ${logits} of ${tokens.length} tokens were asked for.`);
    }
    if (length > this.#config.max_target_tokens + SPARE_POSITIONS) {
      throw new ModelError('input_too_long', `A decoder row of ${length} tokens is too long.`);
    }
    for (const token of tokens) {
      if (!Number.isInteger(token) || token < 0 || token >= this.#config.vocab_size) {
        throw new ModelError('token_invalid', `There is no token ${token}.`);
      }
    }
  }

  /** Puts rows into neighbouring slots with as few exchanges as possible; returns the first slot. */
  #gather(rows: readonly CacheRow[]): number {
    const wanted = new Set(rows);
    let first = 0;
    let most = -1;
    for (let start = 0; start + rows.length <= this.#rows.length; start++) {
      const inside = this.#rows.slice(start, start + rows.length).filter((row) => wanted.has(row)).length;
      if (inside > most) [first, most] = [start, inside];
    }
    const end = first + rows.length;
    let hole = first;
    for (const row of rows) {
      if (row.slot >= first && row.slot < end) continue;
      while (wanted.has(this.#rows[hole]!)) hole++;
      const other = this.#rows[hole]!;
      this.#cache.swap(row.slot, hole);
      this.#rows[row.slot] = other;
      this.#rows[hole] = row;
      [other.slot, row.slot] = [row.slot, hole];
    }
    return first;
  }

  /** One run of the graph over the rows of neighbouring slots, given in order of slots. */
  async #run(first: number, batch: readonly Feed[]): Promise<Float32Array[][]> {
    const rows = batch.length;
    const stride = Math.max(...batch.map((feed) => feed.tokens.length));
    const wanted = Math.max(1, ...batch.map((feed) => feed.logits ?? 1));
    const inputs = this.#batchInputs(rows, stride, wanted);
    batch.forEach(({ row, tokens, logits = 1 }, index) => {
      const position = this.#sourceLength + row.tokens.length;
      for (let token = 0; token < stride; token++) {
        const real = token < tokens.length;
        inputs.ids[index * stride + token] = real ? BigInt(tokens[token]!) : 0n;
        inputs.positions[index * stride + token] = real ? BigInt(position + token) : 0n;
      }
      for (let k = 0; k < wanted; k++) {
        inputs.index[index * wanted + k] = k < logits ? BigInt(tokens.length - logits + k) : 0n;
      }
    });
    Object.assign(this.#feeds, inputs.feeds, this.#past(first, rows));
    const outputs = await this.#graph.run(this.#feeds);
    this.#store(first, batch, outputs, stride);
    const all = floats(outputs, 'logits');
    const size = this.#config.vocab_size;
    return batch.map(({ logits = 1 }, index) =>
      Array.from({ length: logits }, (_, k) => {
        const start = (index * wanted + k) * size;
        return all.subarray(start, start + size);
      }),
    );
  }

  /** Writes the new tokens' keys and values behind each row's others and counts the gates. */
  #store(first: number, batch: readonly Feed[], outputs: Record<string, GraphTensor>, stride: number): void {
    const longest = Math.max(...batch.map((feed) => feed.row.tokens.length + feed.tokens.length));
    this.#cache.reserveTokens(longest);
    this.#names.forEach((names, layer) => {
      const added = { keys: floats(outputs, names.newKey), values: floats(outputs, names.newValue), stride };
      for (let index = 0; index < batch.length; index++) {
        this.#cache.append(first + index, layer, added, index, batch[index]!.tokens.length);
      }
    });
    const gates = floats(outputs, 'router_gate');
    const layers = this.#names.length;
    for (let index = 0; index < batch.length; index++) {
      const row = this.#rows[first + index]!;
      const { tokens } = batch[index]!;
      row.tokens.push(...tokens);
      this.#cache.setLength(row.slot, row.tokens.length);
      const start = index * stride * layers;
      for (let item = 0; item < tokens.length * layers; item++) this.#gateSum += gates[start + item]!;
      this.#gateCount += tokens.length * layers;
      this.#tokens += tokens.length;
    }
    this.#runs++;
    this.#sequences += batch.length;
  }

  /** The cache's part of the feeds for `count` slots from `first` on. */
  #past(first: number, count: number): Feeds {
    if (this.#viewsVersion !== this.#cache.version) {
      this.#views.clear();
      this.#viewsVersion = this.#cache.version;
    }
    const key = first * 65536 + count;
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const { heads, width } = this.#cache.shape;
    const { capacity } = this.#cache;
    const { keys, values, mask } = this.#cache.view(first, count);
    const feeds: Feeds = { past_mask: tensor('float32', mask, [count, 1, 1, capacity]) };
    this.#names.forEach((names, layer) => {
      feeds[names.pastKey] = tensor('float32', keys[layer]!, [count, heads, width, capacity]);
      feeds[names.pastValue] = tensor('float32', values[layer]!, [count, heads, capacity, width]);
    });
    this.#views.set(key, feeds);
    return feeds;
  }

  #batchInputs(rows: number, stride: number, wanted: number): BatchInputs {
    const key = `${rows}x${stride}x${wanted}`;
    const known = this.#inputs.get(key);
    if (known !== undefined) return known;
    const ids = new BigInt64Array(rows * stride);
    const positions = new BigInt64Array(rows * stride);
    const index = new BigInt64Array(rows * wanted);
    const feeds: Feeds = {
      input_ids: tensor('int64', ids, [rows, stride]),
      position_ids: tensor('int64', positions, [rows, stride]),
      logit_index: tensor('int64', index, [rows, wanted]),
      new_mask: tensor('float32', causalMask(rows, stride), [rows, 1, stride, stride]),
    };
    const inputs = { ids, positions, index, feeds };
    if (stride <= KEPT_TOKENS) {
      if (this.#inputs.size >= KEPT_SHAPES) this.#inputs.clear();
      this.#inputs.set(key, inputs);
    }
    return inputs;
  }
}

/** An agent's tensors as inputs of the graph, with the leading dimension of one agent. They refer to the agent's arrays. */
function agentFeeds(agent: AgentTensors, config: ModelConfig, names: readonly LayerNames[]): Feeds {
  const { hidden_size: hidden, vocab_size: vocabulary, adapter } = config;
  if (agent.layers.length !== names.length) throw new ModelError('row_invalid', 'The agent has other layers.');
  const feeds: Feeds = {
    head_down: tensor('float32', agent.headDown, [1, hidden, adapter.head_rank]),
    head_up: tensor('float32', agent.headUp, [1, adapter.head_rank, vocabulary]),
  };
  agent.layers.forEach((layer, index) => {
    const name = names[index]!;
    feeds[name.down] = tensor('float32', layer.down, [1, hidden, adapter.rank]);
    feeds[name.up] = tensor('float32', layer.up, [1, adapter.rank, hidden]);
    feeds[name.gateWeight] = tensor('float32', layer.gateWeight, [1, hidden, 1]);
    feeds[name.gateBias] = tensor('float32', layer.gateBias, [1, 1, 1]);
  });
  return feeds;
}
