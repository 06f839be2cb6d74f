// Choosing tokens: probabilities are those of the allowed tokens, and the options keep exactly what they say.
import assert from 'node:assert/strict';
import { createRandom } from '../../model/random.js';
import { chooseToken, repeatingTokens, topChoices } from '../../model/sampling.js';
import type { ChoiceOptions } from '../../model/generate.js';
import type { Allowed } from '../../model/constraint.js';

/** Probabilities .4, .3, .15, .1, .05. */
const LOGITS = Float32Array.from([0.4, 0.3, 0.15, 0.1, 0.05], Math.log);
const ANY: Allowed = { except: new Set() };

/** Share of each token in many draws. */
function shares(options: ChoiceOptions, allowed: Allowed = ANY, draws = 20_000): number[] {
  const random = createRandom(3);
  const counts = new Array<number>(LOGITS.length).fill(0);
  for (let i = 0; i < draws; i++) counts[chooseToken(LOGITS, allowed, options, random, []).token]!++;
  return counts.map((count) => count / draws);
}

function assertShares(actual: number[], expected: number[]): void {
  // Four standard deviations of 20,000 draws are below 0.015.
  actual.forEach((share, token) => {
    assert(Math.abs(share - expected[token]!) < 0.015, `token ${token}: ${share}`);
  });
  const impossible = actual.filter((_, token) => expected[token] === 0);
  assert(impossible.every((share) => share === 0));
}

describe('choosing tokens', () => {
  it('takes the most likely token, the first of equals, at temperature 0', () => {
    assert.equal(chooseToken(LOGITS, ANY, {}, createRandom(0), []).token, 0);
    assert.equal(chooseToken(Float32Array.of(1, 3, 3, 2), ANY, {}, createRandom(0), []).token, 1);
    assert.equal(chooseToken(LOGITS, { except: new Set([0, 1]) }, {}, createRandom(0), []).token, 2);
    assert.equal(chooseToken(LOGITS, { only: [4, 3] }, {}, createRandom(0), []).token, 3);
  });

  it('gives log-probabilities among the allowed tokens', () => {
    const near = (actual: number, expected: number): void => {
      assert(Math.abs(actual - Math.log(expected)) < 1e-6);
    };
    near(chooseToken(LOGITS, ANY, {}, createRandom(0), []).logprob, 0.4);
    near(chooseToken(LOGITS, { only: [3, 4] }, {}, createRandom(0), []).logprob, 2 / 3);
    near(chooseToken(LOGITS, { except: new Set([0]) }, {}, createRandom(0), []).logprob, 0.5);
    near(chooseToken(LOGITS, ANY, { temperature: 3, topK: 1 }, createRandom(0), []).logprob, 0.4);
  });

  it('samples in proportion to the probabilities', () => {
    assertShares(shares({ temperature: 1 }), [0.4, 0.3, 0.15, 0.1, 0.05]);
    assertShares(shares({ temperature: 1 }, { only: [1, 2] }), [0, 2 / 3, 1 / 3, 0, 0]);
    assertShares(shares({ temperature: 1 }, { except: new Set([0, 4]) }), [0, 0.3 / 0.55, 0.15 / 0.55, 0.1 / 0.55, 0]);
    const squares = [0.16, 0.09, 0.0225, 0.01, 0.0025];
    const total = squares.reduce((sum, value) => sum + value, 0);
    assertShares(
      shares({ temperature: 0.5 }),
      squares.map((value) => value / total),
    );
  });

  it('keeps the k most likely tokens', () => {
    assertShares(shares({ temperature: 1, topK: 2 }), [4 / 7, 3 / 7, 0, 0, 0]);
    assertShares(shares({ temperature: 1, topK: 1 }), [1, 0, 0, 0, 0]);
    assertShares(shares({ temperature: 1, topK: 99 }), [0.4, 0.3, 0.15, 0.1, 0.05]);
  });

  it('keeps the shortest beginning that holds p', () => {
    assertShares(shares({ temperature: 1, topP: 0.69 }), [4 / 7, 3 / 7, 0, 0, 0]);
    assertShares(shares({ temperature: 1, topP: 0.71 }), [0.4 / 0.85, 0.3 / 0.85, 0.15 / 0.85, 0, 0]);
    assertShares(shares({ temperature: 1, topP: 0.01 }), [1, 0, 0, 0, 0]);
    assertShares(shares({ temperature: 1, topK: 3, topP: 0.8 }), [4 / 7, 3 / 7, 0, 0, 0]);
  });

  it('keeps the same for flat distributions over many tokens', () => {
    // 1,000 tokens, the first 600 twice as likely as the others: 3/4 of the weight.
    const flat = Float32Array.from({ length: 1000 }, (_, id) => (id < 600 ? Math.log(2) : 0));
    const seen = (options: ChoiceOptions): number[] => {
      const random = createRandom(9);
      const draws = Array.from(
        { length: 6000 },
        () => chooseToken(flat, ANY, { temperature: 1, ...options }, random, []).token,
      );
      return draws.sort((a, b) => a - b);
    };
    assert(seen({ topP: 0.5 }).at(-1)! < 400);
    assert(seen({ topP: 0.5 }).at(-1)! > 390);
    const most = seen({ topP: 0.8 });
    assert(most.at(-1)! < 680 && most.at(-1)! > 660);
    assert(seen({ topK: 300 }).at(-1)! < 300);
    assert(seen({}).at(-1)! > 990);
  });

  it('refuses a repeated run of n tokens, unless nothing else is allowed', () => {
    assert.deepEqual(repeatingTokens([1, 2, 3, 1, 2], 3), new Set([3]));
    assert.deepEqual(repeatingTokens([1, 2, 3, 1, 2, 4, 1, 2], 3), new Set([3, 4]));
    assert.deepEqual(repeatingTokens([1, 2], 3), new Set());
    assert.deepEqual(repeatingTokens([5, 6], 1), new Set([5, 6]));
    const choose = (allowed: Allowed, options: ChoiceOptions): number =>
      chooseToken(LOGITS, allowed, options, createRandom(1), [2, 0, 2]).token;
    assert.equal(choose(ANY, { noRepeatNgram: 2 }), 1);
    assert.equal(choose({ only: [0] }, { noRepeatNgram: 2 }), 0);
    for (let i = 0; i < 50; i++) assert.notEqual(choose(ANY, { noRepeatNgram: 2, temperature: 1 }), 0);
  });

  it('lists the best tokens in order', () => {
    assert.deepEqual(
      topChoices(LOGITS, { except: new Set([1]) }, 3).map((choice) => choice.token),
      [0, 2, 3],
    );
    assert.equal(topChoices(LOGITS, { only: [2, 1] }, 5).length, 2);
  });

  it('reports logits that are no numbers, and constraints that allow nothing', () => {
    assert.throws(() => topChoices(new Float32Array(5).fill(NaN), ANY, 1), { code: 'dead_end' });
    assert.throws(() => topChoices(Float32Array.of(1, Infinity), ANY, 1), { code: 'graph_failed' });
    assert.throws(() => topChoices(LOGITS, { only: [] }, 1), { code: 'dead_end' });
    assert.throws(() => topChoices(LOGITS, { except: new Set([0, 1, 2, 3, 4]) }, 1), { code: 'dead_end' });
  });

  it('draws the same numbers from the same seed and stream only', () => {
    const take = (seed: number, stream?: number): number[] => Array.from({ length: 5 }, createRandom(seed, stream));
    assert.deepEqual(take(7), take(7));
    assert.notDeepEqual(take(7), take(8));
    assert.notDeepEqual(take(7, 0), take(7, 1));
    assert.notDeepEqual(take(1), take(1 + 2 ** 32));
    const many = Array.from({ length: 10_000 }, createRandom(0));
    const mean = many.reduce((sum, value) => sum + value, 0) / many.length;
    assert(Math.abs(mean - 0.5) < 0.02 && Math.min(...many) >= 0 && Math.max(...many) < 1);
  });
});
