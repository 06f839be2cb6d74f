import { FORMULA, type RankingWeights } from '../../pipeline/ranking-weights.js';
import { calibrationOf, type Calibration } from '../evaluation/calibration.js';
import type { Estimate } from '../evaluation/statistics.js';
import {
  firstOutcomes,
  improvement,
  leftOut,
  qualityOf,
  scoredBy,
  type Quality,
  type ScoredRow,
} from './comparison.js';
import type { JudgedRow } from './judged.js';
import { calibratedFormula, learnedRanking, scorerOf, type Contender } from './models.js';
import { adviseThreshold, type ThresholdAdvice } from './threshold.js';

/** How one way to score did on rows that it had not seen. */
export interface ContenderFigures extends Quality {
  readonly name: string;
  /** Of first candidates. */
  readonly calibration: Calibration | undefined;
}

/** What was found, and the weights that follow from it. */
export interface RankingFit {
  readonly rows: number;
  readonly groups: number;
  readonly candidates: number;
  readonly right: number;
  /** Rows with a right candidate: in no other an order can be better. */
  readonly rows_with_right: number;
  readonly contenders: readonly ContenderFigures[];
  /** Learned ranking less formula; above 0 is better. */
  readonly learned_gain: { readonly reciprocal_rank: Estimate; readonly log_loss: Estimate };
  /** Calibrated formula less formula. */
  readonly calibration_gain: { readonly log_loss: Estimate };
  /** Whose interval is above 0: the learned ranking by rank, else the calibrated formula by log loss, else nobody. */
  readonly winner: 'learned ranking' | 'calibrated formula' | 'formula';
  readonly threshold: ThresholdAdvice;
  /** Of the winner, or of what was forced. */
  readonly weights: RankingWeights;
}

export interface FitOptions {
  readonly seed: number;
  /** Share of answers that should be right. */
  readonly wantedRight: number;
  /** Use the learned ranking whatever comes out. */
  readonly force: boolean;
}

/** With fewer right candidates no intervals mean anything, so the formula stays. */
export const MIN_RIGHT = 10;

/**
 * Fits a ranking and compares it with the formula on rows left out, whole groups together. Throws `RangeError` when there is
 * nothing to learn from: no rows, or only right or only wrong candidates.
 */
export function fitRanking(rows: readonly JudgedRow[], { seed, wantedRight, force }: FitOptions): RankingFit {
  const candidates = rows.flatMap((row) => row.candidates);
  const right = candidates.filter((candidate) => candidate.right).length;
  if (right === 0 || right === candidates.length) {
    throw new RangeError(`${right} of ${candidates.length} candidates are right: there is nothing to learn from.`);
  }
  const scored = {
    formula: scoredBy(rows, scorerOf(FORMULA)),
    'calibrated formula': leftOut(rows, calibratedFormula, seed),
    'learned ranking': leftOut(rows, learnedRanking, seed),
  };
  const learnedGain = improvement(scored.formula, scored['learned ranking'], seed);
  const { log_loss: calibrationGain } = improvement(scored.formula, scored['calibrated formula'], seed);
  const isEnough = right >= MIN_RIGHT;
  const winner =
    isEnough && learnedGain.reciprocal_rank.low > 0
      ? 'learned ranking'
      : isEnough && calibrationGain.low > 0
        ? 'calibrated formula'
        : 'formula';
  const used = force ? 'learned ranking' : winner;
  const fitted: Record<typeof used, Contender['fit']> = {
    formula: () => FORMULA,
    'calibrated formula': calibratedFormula.fit,
    'learned ranking': learnedRanking.fit,
  };
  const answeredNow = shareAnswered(scored.formula);
  const threshold = adviseThreshold(firstOutcomes(scored[used]), wantedRight, answeredNow);
  const { bias, formula, features } = fitted[used](rows, seed);
  return {
    rows: rows.length,
    groups: new Set(rows.map(({ group }) => group)).size,
    candidates: candidates.length,
    right,
    rows_with_right: rows.filter((row) => row.candidates.some((candidate) => candidate.right)).length,
    contenders: Object.entries(scored).map(([name, of]) => ({
      name,
      ...qualityOf(of, seed),
      calibration: calibrationOf(firstOutcomes(of), seed),
    })),
    learned_gain: learnedGain,
    calibration_gain: { log_loss: calibrationGain },
    winner,
    threshold,
    weights: { bias, formula, features, abstain_below: threshold.threshold },
  };
}

/** Share of rows that the formula with its own threshold answers. */
function shareAnswered(rows: readonly ScoredRow[]): number {
  const outcomes = firstOutcomes(rows);
  return outcomes.filter(({ score }) => score >= FORMULA.abstain_below).length / outcomes.length;
}
