import type { ScoredOutcome } from '../evaluation/calibration.js';

/** A threshold for answers, and what it would have done. */
export interface ThresholdAdvice {
  readonly threshold: number;
  /** Share of rows that get an answer. */
  readonly answered: number;
  /** Share of these answers that are right; null without any. */
  readonly right_of_answered: number | null;
  /** Whether that is as much as was asked for; if nothing reaches it, the threshold answers as many rows as are answered now. */
  readonly reached: boolean;
}

/** Fewer answers say nothing about how many are right. */
const MIN_ANSWERS = 5;

/**
 * The lowest threshold above which at least the share `wanted` of first candidates is right. Where there is none, the one that
 * answers the share `answeredNow` of rows. Scores are those of candidates that the scoring has not seen.
 */
export function adviseThreshold(
  outcomes: readonly ScoredOutcome[],
  wanted: number,
  answeredNow: number,
): ThresholdAdvice {
  const sorted = [...outcomes].sort((a, b) => b.score - a.score);
  const at = (threshold: number): Omit<ThresholdAdvice, 'reached'> => {
    const answered = sorted.filter(({ score }) => score >= threshold);
    const right = answered.filter((outcome) => outcome.right).length;
    return {
      threshold,
      answered: sorted.length === 0 ? 0 : answered.length / sorted.length,
      right_of_answered: answered.length === 0 ? null : right / answered.length,
    };
  };
  for (const { score } of [...sorted].reverse()) {
    const advice = at(floored(score));
    const answers = advice.answered * sorted.length;
    if ((advice.right_of_answered ?? 0) >= wanted && answers >= MIN_ANSWERS) return { ...advice, reached: true };
  }
  const last = sorted[Math.ceil(answeredNow * sorted.length) - 1];
  return { ...at(last ? floored(last.score) : 1), reached: false };
}

/** Three decimals, not above the score itself. */
function floored(score: number): number {
  return Math.floor(score * 1000) / 1000;
}
