import { bootstrap, type Estimate } from './statistics.js';

/** A score between 0 and 1, and whether what it was given to turned out right. */
export interface ScoredOutcome {
  readonly score: number;
  readonly right: boolean;
}

/** Outcomes with similar scores. */
export interface CalibrationBin {
  /** Scores from here… */
  readonly low: number;
  /** …to below here (the last bin holds 1, too). */
  readonly high: number;
  readonly items: number;
  readonly mean_score: number;
  /** Share that was right: the mean score if scores are probabilities. */
  readonly right: number;
}

/** How far scores can be read as probabilities of being right. */
export interface Calibration {
  /** Without empty ones. */
  readonly bins: readonly CalibrationBin[];
  /** Distance between mean score and share right, averaged over the bins by their items. */
  readonly expected_calibration_error: Estimate;
}

const BINS = 10;

/** Reliability in ten bins of equal width. Undefined without outcomes. */
export function calibrationOf(outcomes: readonly ScoredOutcome[], seed: number): Calibration | undefined {
  const error = bootstrap(outcomes, expectedError, seed);
  return error && { bins: binsOf(outcomes), expected_calibration_error: error };
}

function binsOf(outcomes: readonly ScoredOutcome[]): CalibrationBin[] {
  const bins = Array.from({ length: BINS }, () => ({ items: 0, scores: 0, right: 0 }));
  for (const { score, right } of outcomes) {
    const bin = bins[Math.min(BINS - 1, Math.floor(score * BINS))]!;
    bin.items++;
    bin.scores += score;
    if (right) bin.right++;
  }
  return bins.flatMap(({ items, scores, right }, index) =>
    items === 0
      ? []
      : [{ low: index / BINS, high: (index + 1) / BINS, items, mean_score: scores / items, right: right / items }],
  );
}

function expectedError(outcomes: readonly ScoredOutcome[]): number {
  return binsOf(outcomes).reduce(
    (sum, bin) => sum + (bin.items / outcomes.length) * Math.abs(bin.mean_score - bin.right),
    0,
  );
}
