// The cache keeps what was appended, in the layout of the graph, through growth, copies, exchanges and cuts.
import assert from 'node:assert/strict';
import { KvCache } from '../../model/kv-cache.js';
import { causalMask, MASKED } from '../../model/masks.js';
import { planBatches } from '../../model/step-plan.js';

const SHAPE = { layers: 2, heads: 2, width: 3 };
const LANES = SHAPE.heads * SHAPE.width;

/** Value that key or value `item` of a token gets: different everywhere. */
const number = (token: number, layer: number, item: number): number => token * 1000 + layer * 100 + item;

/** Appends tokens to a slot as row `index` of a batch of two rows and `stride` columns. */
function append(cache: KvCache, slot: number, tokens: number[], index = 0, stride = tokens.length): void {
  cache.reserveTokens(cache.length(slot) + tokens.length);
  for (let layer = 0; layer < SHAPE.layers; layer++) {
    const keys = new Float32Array(2 * LANES * stride).fill(-7);
    const values = new Float32Array(2 * LANES * stride).fill(-7);
    tokens.forEach((token, at) => {
      for (let item = 0; item < LANES; item++) {
        const [head, column] = [Math.floor(item / SHAPE.width), item % SHAPE.width];
        keys[(index * LANES + item) * stride + at] = number(token, layer, item);
        values[((index * SHAPE.heads + head) * stride + at) * SHAPE.width + column] = -number(token, layer, item);
      }
    });
    cache.append(slot, layer, { keys, values, stride }, index, tokens.length);
  }
  cache.setLength(slot, cache.length(slot) + tokens.length);
}

/** The tokens of a slot as the arrays and the mask show them. */
function tokensOf(cache: KvCache, slot: number): number[] {
  const { keys, values, mask } = cache.view(slot, 1);
  const tokens: number[] = [];
  mask.forEach((value, at) => {
    assert(value === 0 || value === MASKED);
    assert.equal(value === 0, at < cache.length(slot));
    if (value !== 0) return;
    const token = keys[0]![at]! / 1000;
    tokens.push(token);
    for (let layer = 0; layer < SHAPE.layers; layer++) {
      for (let item = 0; item < LANES; item++) {
        const [head, column] = [Math.floor(item / SHAPE.width), item % SHAPE.width];
        assert.equal(keys[layer]![item * cache.capacity + at], number(token, layer, item));
        assert.equal(values[layer]![(head * cache.capacity + at) * SHAPE.width + column], -number(token, layer, item));
      }
    }
  });
  return tokens;
}

describe('key/value cache', () => {
  it('keeps tokens through growth, copies, exchanges and cuts', () => {
    const cache = new KvCache(SHAPE);
    cache.reserveSlots(3);
    append(cache, 0, [1, 2, 3]);
    append(cache, 1, [4], 1, 5);
    append(cache, 2, [5, 6], 0, 4);
    append(cache, 0, [7]);
    const long = Array.from({ length: 130 }, (_, index) => 10 + index);
    append(cache, 1, long);
    assert.equal(cache.capacity, 192);
    cache.reserveSlots(6);
    cache.copy(1, 4);
    cache.swap(0, 2);
    append(cache, 4, [200]);
    cache.setLength(1, 2);
    append(cache, 1, [300]);
    assert.deepEqual(tokensOf(cache, 0), [5, 6]);
    assert.deepEqual(tokensOf(cache, 1), [4, 10, 300]);
    assert.deepEqual(tokensOf(cache, 2), [1, 2, 3, 7]);
    assert.deepEqual(tokensOf(cache, 3), []);
    assert.deepEqual(tokensOf(cache, 4), [4, ...long, 200]);
  });

  it('shows neighbouring slots as one batch, in place', () => {
    const cache = new KvCache(SHAPE, 4);
    append(cache, 1, [1]);
    append(cache, 2, [2]);
    const { keys, mask } = cache.view(1, 2);
    assert.equal(keys[0]!.length, 2 * LANES * cache.capacity);
    assert.equal(keys[0]![LANES * cache.capacity], 2000);
    assert.equal(mask[cache.capacity], 0);
    append(cache, 2, [3]);
    assert.equal(keys[0]![LANES * cache.capacity + 1], 3000);
    assert.equal(cache.version, 1);
  });

  it('masks what comes later', () => {
    assert.deepEqual([...causalMask(1, 3)], [0, MASKED, MASKED, 0, 0, MASKED, 0, 0, 0]);
    assert.deepEqual([...causalMask(2, 2)], [0, MASKED, 0, 0, 0, MASKED, 0, 0]);
    assert.deepEqual([...causalMask(1, 1)], [0]);
  });

  it('runs rows apart where padding would cost more than a run', () => {
    const sizes = (counts: number[]): number[] => planBatches(counts).map((batch) => batch.length);
    assert.deepEqual(sizes([]), []);
    assert.deepEqual(sizes([5]), [1]);
    assert.deepEqual(sizes([1, 1, 1, 1]), [4]);
    assert.deepEqual(sizes([1, 2, 1]), [3]);
    assert.deepEqual(planBatches([1, 1, 20, 1, 1, 1, 1, 1]), [[2], [0, 1, 3, 4, 5, 6, 7]]);
    assert.deepEqual(sizes([60, 60, 60, 1, 1]), [3, 2]);
    for (const counts of [
      [3, 1, 4, 1, 5, 9, 2, 6],
      [160, 1],
      [1, 1, 8, 8, 30, 30],
    ]) {
      const all = planBatches(counts).flat();
      assert.deepEqual(
        all.sort((a, b) => a - b),
        [...counts.keys()],
      );
    }
  });
});
