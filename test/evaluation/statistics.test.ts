import assert from 'node:assert/strict';
import { quantile, rate, ratio } from '../../training/evaluation/statistics.js';

describe('estimates', () => {
  it('are ratios of sums, not means of ratios', () => {
    const parts = [
      { top: 1, bottom: 10 },
      { top: 9, bottom: 10 },
      { top: 30, bottom: 30 },
    ];
    assert.equal(ratio(parts)?.value, 40 / 50);
  });

  it('have about the interval that the binomial distribution gives', () => {
    const outcomes = Array.from({ length: 400 }, (_, index) => index % 4 === 0);
    const estimate = rate(outcomes)!;
    assert.equal(estimate.value, 0.25);
    const half = 1.96 * Math.sqrt((0.25 * 0.75) / 400);
    assert(Math.abs(estimate.low - (0.25 - half)) < 0.01, String(estimate.low));
    assert(Math.abs(estimate.high - (0.25 + half)) < 0.01, String(estimate.high));
  });

  it('are the same for the same seed, and absent when there is nothing to count', () => {
    const outcomes = [true, false, false, true, true];
    assert.deepEqual(rate(outcomes, 3), rate(outcomes, 3));
    assert.equal(rate([]), undefined);
    assert.equal(ratio([{ top: 0, bottom: 0 }]), undefined);
  });

  it('put quantiles between neighbours', () => {
    assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
    assert.equal(quantile([5], 0.95), 5);
    assert(Number.isNaN(quantile([], 0.5)));
  });
});
