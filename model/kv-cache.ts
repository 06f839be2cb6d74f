import { MASKED } from './masks.js';

/** Sizes that do not change: decoder layers L, key/value heads G, head width h. */
export interface CacheShape {
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
}

/** The capacity grows by this many tokens: attention runs over the whole capacity, used or not. */
const BLOCK = 64;

/**
 * The keys and values of all sequences of one decoder, laid out as the graph takes them: per layer keys
 * [slots, G, h, P] (transposed) and values [slots, G, P, h], and one mask [slots, P]. Because the slot is the outermost
 * dimension, any run of neighbouring slots is a batch that can be fed to the graph in place, without a copy.
 */
export class KvCache {
  readonly shape: CacheShape;
  /** Number of slots there is room for. */
  slots = 0;
  /** Tokens per slot, P. */
  capacity = 0;
  /** Counts reallocations: a view made under another number is stale. */
  version = 0;
  #keys: Float32Array[] = [];
  #values: Float32Array[] = [];
  #mask: Float32Array = new Float32Array(0);
  #lengths: number[] = [];

  constructor(shape: CacheShape, slots = 1) {
    this.shape = shape;
    this.#resize(slots, BLOCK);
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#lanes * this.shape.layers * this.slots * this.capacity * 8 + this.#mask.byteLength;
  }

  /** Tokens in a slot. */
  length(slot: number): number {
    return this.#lengths[slot] ?? 0;
  }

  /** Makes room for this many slots; the contents stay. */
  reserveSlots(slots: number): void {
    if (slots > this.slots) this.#resize(Math.max(slots, Math.min(2 * this.slots, this.slots + 8)), this.capacity);
  }

  /** Makes room for this many tokens in every slot; the contents stay. */
  reserveTokens(tokens: number): void {
    if (tokens > this.capacity) this.#resize(this.slots, Math.ceil(tokens / BLOCK) * BLOCK);
  }

  /** `count` slots from `first` on, as arrays over the cache itself: keys [count, G, h, P], values [count, G, P, h], mask [count, P]. */
  view(first: number, count: number): { keys: Float32Array[]; values: Float32Array[]; mask: Float32Array } {
    const size = this.#lanes * this.capacity;
    const part = (array: Float32Array): Float32Array => array.subarray(first * size, (first + count) * size);
    return {
      keys: this.#keys.map(part),
      values: this.#values.map(part),
      mask: this.#mask.subarray(first * this.capacity, (first + count) * this.capacity),
    };
  }

  /**
   * Appends the first `count` of `stride` new tokens of row `index` of a batch to a slot.
   * New keys of a layer are [B, G, h, stride], new values [B, G, stride, h]. There must be room.
   */
  append(slot: number, layer: number, batch: NewTokens, index: number, count: number): void {
    const { heads, width } = this.shape;
    const { capacity } = this;
    const { stride } = batch;
    const start = this.#lengths[slot]!;
    const keys = this.#keys[layer]!;
    let to = slot * this.#lanes * capacity + start;
    let from = index * this.#lanes * stride;
    for (let lane = 0; lane < this.#lanes; lane++, to += capacity, from += stride) {
      for (let token = 0; token < count; token++) keys[to + token] = batch.keys[from + token]!;
    }
    const values = this.#values[layer]!;
    for (let head = 0; head < heads; head++) {
      const target = ((slot * heads + head) * capacity + start) * width;
      const source = (index * heads + head) * stride * width;
      for (let item = 0; item < count * width; item++) values[target + item] = batch.values[source + item]!;
    }
  }

  /** Sets the number of tokens of a slot after an append to all layers, or to forget the last ones. */
  setLength(slot: number, length: number): void {
    const base = slot * this.capacity;
    const before = this.#lengths[slot]!;
    if (length > before) this.#mask.fill(0, base + before, base + length);
    else this.#mask.fill(MASKED, base + length, base + before);
    this.#lengths[slot] = length;
  }

  /** Makes slot `to` a copy of slot `from`. */
  copy(from: number, to: number): void {
    for (const [array, size] of this.#arrays()) array.copyWithin(to * size, from * size, (from + 1) * size);
    this.#lengths[to] = this.#lengths[from]!;
  }

  /** Exchanges the contents of two slots. */
  swap(a: number, b: number): void {
    for (const [array, size] of this.#arrays()) {
      const kept = array.slice(a * size, (a + 1) * size);
      array.copyWithin(a * size, b * size, (b + 1) * size);
      array.set(kept, b * size);
    }
    [this.#lengths[a], this.#lengths[b]] = [this.#lengths[b]!, this.#lengths[a]!];
  }

  /** Frees the arrays; the cache cannot be used again. */
  release(): void {
    this.#keys = [];
    this.#values = [];
    this.#mask = new Float32Array(0);
    this.#lengths = [];
    this.slots = 0;
    this.version++;
  }

  /** Rows of keys (or columns of values) of one slot: G times h. */
  get #lanes(): number {
    return this.shape.heads * this.shape.width;
  }

  /** Every array with the number of items of one slot in it. */
  *#arrays(): Generator<[Float32Array, number]> {
    const size = this.#lanes * this.capacity;
    for (const array of this.#keys) yield [array, size];
    for (const array of this.#values) yield [array, size];
    yield [this.#mask, this.capacity];
  }

  #resize(slots: number, capacity: number): void {
    const { layers, heads, width } = this.shape;
    /** Spreads lines of `capacity * step` items to their longer place. */
    const moved = (old: Float32Array, lines: number, step: number, fill: number): Float32Array => {
      const grown = new Float32Array(slots * lines * capacity * step);
      if (fill !== 0) grown.fill(fill);
      if (capacity === this.capacity) {
        grown.set(old);
      } else {
        const size = this.capacity * step;
        for (let line = 0; line * size < old.length; line++) {
          grown.set(old.subarray(line * size, (line + 1) * size), line * capacity * step);
        }
      }
      return grown;
    };
    const empty = new Float32Array(0);
    for (let layer = 0; layer < layers; layer++) {
      this.#keys[layer] = moved(this.#keys[layer] ?? empty, this.#lanes, 1, 0);
      this.#values[layer] = moved(this.#values[layer] ?? empty, heads, width, 0);
    }
    this.#mask = moved(this.#mask, 1, 1, MASKED);
    while (this.#lengths.length < slots) this.#lengths.push(0);
    this.slots = slots;
    this.capacity = capacity;
    this.version++;
  }
}

/** New keys [B, G, h, stride] and values [B, G, stride, h] of one layer, as a step of the graph returns them. */
export interface NewTokens {
  readonly keys: Float32Array;
  readonly values: Float32Array;
  readonly stride: number;
}
