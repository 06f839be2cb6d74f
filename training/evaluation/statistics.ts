import { createRandom } from '../../model/random.js';

/** A figure with the interval in which 95 of 100 bootstrap samples put it. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Number of items it was measured on. */
  readonly items: number;
}

/** One item's part of a ratio: `sum(top) / sum(bottom)` is the figure. For a rate `bottom` is 1. */
export interface Part {
  readonly top: number;
  readonly bottom: number;
}

const RESAMPLES = 1000;
const OUTSIDE = 0.025;

/**
 * The ratio of the sums with its bootstrap interval: whole items are drawn again, so tokens of one row stay together.
 * Undefined without items. The same items and seed give the same interval.
 */
export function ratio(parts: readonly Part[], seed = 0): Estimate | undefined {
  if (parts.every(({ bottom }) => bottom === 0)) return undefined;
  return bootstrap(
    parts,
    (chosen) => {
      const bottom = chosen.reduce((sum, part) => sum + part.bottom, 0);
      return bottom === 0 ? 0 : chosen.reduce((sum, part) => sum + part.top, 0) / bottom;
    },
    seed,
  );
}

/** A figure of items with its bootstrap interval. Undefined without items; the same items and seed give the same interval. */
export function bootstrap<T>(
  items: readonly T[],
  of: (chosen: readonly T[]) => number,
  seed = 0,
): Estimate | undefined {
  if (items.length === 0) return undefined;
  const random = createRandom(seed);
  const draws = Array.from({ length: RESAMPLES }, () =>
    of(items.map(() => items[Math.floor(random() * items.length)]!)),
  );
  return { value: of(items), low: quantile(draws, OUTSIDE), high: quantile(draws, 1 - OUTSIDE), items: items.length };
}

/** The share of items for which something is true. */
export function rate(outcomes: readonly boolean[], seed = 0): Estimate | undefined {
  return ratio(
    outcomes.map((outcome) => ({ top: outcome ? 1 : 0, bottom: 1 })),
    seed,
  );
}

/** The value below which a share `q` of the values lies, between neighbours by proportion. NaN without values. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below]!;
  return low + (place - below) * ((sorted[below + 1] ?? low) - low);
}
