import { createRandom } from '../../model/random.js';
import { quantile, type Estimate } from '../evaluation/statistics.js';
import type { Sums } from './graphs.js';

const RESAMPLES = 2000;

/** How much two measurements of the same rows differ, with 95 % intervals. */
export interface Difference {
  /** Cross-entropy in nats per token, before minus after: above 0 is better. */
  readonly cross_entropy: Estimate;
  /** The same as a share of the cross-entropy before, in per cent. */
  readonly improvement_percent: Estimate;
  /** Token accuracy after minus before, in percentage points. */
  readonly accuracy_points: Estimate;
}

/**
 * Compares two measurements of the same rows. Whole rows are drawn again, each with both of its measurements, so what
 * makes a row hard weighs on both sides alike. The same rows and seed give the same intervals.
 */
export function pairedDifference(before: readonly Sums[], after: readonly Sums[], seed: number): Difference {
  const items = before.length;
  const all = differenceOf(
    before,
    after,
    Array.from({ length: items }, (_, row) => row),
  );
  const random = createRandom(seed);
  const draws = Array.from({ length: RESAMPLES }, () =>
    differenceOf(
      before,
      after,
      Array.from({ length: items }, () => Math.floor(random() * items)),
    ),
  );
  const estimate = (which: keyof typeof all): Estimate => {
    const values = draws.map((draw) => draw[which]);
    return { value: all[which], low: quantile(values, 0.025), high: quantile(values, 0.975), items };
  };
  return {
    cross_entropy: estimate('nats'),
    improvement_percent: estimate('percent'),
    accuracy_points: estimate('points'),
  };
}

function differenceOf(
  before: readonly Sums[],
  after: readonly Sums[],
  rows: readonly number[],
): { nats: number; percent: number; points: number } {
  let [lossBefore, lossAfter, gained, count] = [0, 0, 0, 0];
  for (const row of rows) {
    lossBefore += before[row]!.loss;
    lossAfter += after[row]!.loss;
    gained += after[row]!.correct - before[row]!.correct;
    count += before[row]!.count;
  }
  return {
    nats: (lossBefore - lossAfter) / count,
    percent: (100 * (lossBefore - lossAfter)) / lossBefore,
    points: (100 * gained) / count,
  };
}
