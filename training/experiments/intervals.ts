import { accuracy, crossEntropy } from '../finetune/evaluation.js';
import { NO_SUMS, plus, type Sums } from '../finetune/graphs.js';
import { bootstrap, type Estimate } from '../evaluation/statistics.js';

/** Quantiles 0.975 of Student's distribution for 1, 2, … degrees of freedom; beyond these the normal one's. */
const STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

/** Mean of a figure over seeds with its 95 % interval by Student's distribution; with one seed the interval is not known. */
export function overSeeds(values: readonly number[]): Estimate {
  const items = values.length;
  const value = values.reduce((sum, one) => sum + one, 0) / items;
  if (items < 2) return { value, low: Number.NaN, high: Number.NaN, items };
  const variance = values.reduce((sum, one) => sum + (one - value) ** 2, 0) / (items - 1);
  const half = (STUDENT[items - 2] ?? 1.96) * Math.sqrt(variance / items);
  return { value, low: value - half, high: value + half, items };
}

/** An estimate as text: `1.23 (1.10 to 1.36)`; without the interval where there is none. */
export function estimateText({ value, low, high }: Estimate, digits = 2): string {
  const text = value.toFixed(digits);
  return Number.isNaN(low) ? text : `${text} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}

export function total(rows: readonly Sums[]): Sums {
  return rows.reduce(plus, NO_SUMS);
}

/** Improvement as the seed counts it: 100 · (after − before) / before, of cross-entropy and of token accuracy. */
export interface Improvement {
  readonly cross_entropy_percent: Estimate;
  readonly accuracy_percent: Estimate;
}

/** The improvement with 95 % intervals by a paired bootstrap over rows. Throws without rows. */
export function improvement(before: readonly Sums[], after: readonly Sums[], seed: number): Improvement {
  const pairs = before.map((sums, at): readonly [Sums, Sums] => [sums, after[at]!]);
  const change = (figure: (sums: Sums) => number): Estimate => {
    const estimate = bootstrap(
      pairs,
      (chosen) => {
        const first = figure(total(chosen.map(([sums]) => sums)));
        const last = figure(total(chosen.map(([, sums]) => sums)));
        return (100 * (last - first)) / Math.max(Math.abs(first), 1e-8);
      },
      seed,
    );
    if (!estimate) throw new TypeError('There are no rows to compare.');
    return estimate;
  };
  return { cross_entropy_percent: change(crossEntropy), accuracy_percent: change(accuracy) };
}
