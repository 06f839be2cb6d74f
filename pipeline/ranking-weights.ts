import { createRequire } from 'node:module';

/**
 * How candidates are scored: log-odds = bias + formula × (the hand-made formula's log-odds) + Σ weight × feature. The formula
 * alone is bias 0, formula 1 and no features; a calibrated formula has another bias and factor; a learned ranking has all.
 * `npm run fit-ranking` writes them.
 */
export interface RankingWeights {
  readonly bias: number;
  /** Above 0, unless features are weighed. */
  readonly formula: number;
  /** By name, see `FEATURES`. */
  readonly features: Readonly<Record<string, number>>;
  /** The default of `abstainBelow` that goes with these scores, 0 to 1. */
  readonly abstain_below: number;
}

/** The hand-made formula as it is. */
export const FORMULA: RankingWeights = { bias: 0, formula: 1, features: {}, abstain_below: 0.1 };

/** The committed weights. */
export const RANKING_WEIGHTS = checkedWeights(createRequire(import.meta.url)('./ranking-weights.json'));

/** A value as weights. Throws `TypeError` when it is none. */
export function checkedWeights(value: unknown): RankingWeights {
  const { bias, formula, features, abstain_below } = value as RankingWeights;
  const numbers = [bias, formula, abstain_below, ...Object.values(features)];
  if (numbers.some((number) => !Number.isFinite(number))) {
    throw new TypeError('The weights of the ranking are no numbers.');
  }
  return { bias, formula, features, abstain_below };
}
