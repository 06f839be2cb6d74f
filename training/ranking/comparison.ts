import type { ScoredOutcome } from '../evaluation/calibration.js';
import { bootstrap, type Estimate } from '../evaluation/statistics.js';
import type { JudgedCandidate, JudgedRow } from './judged.js';
import { logLoss, logistic } from './logistic.js';
import { foldsOf, scorerOf, type Contender, type Scorer } from './models.js';

const FOLDS = 10;

/** A row with the log-odds that somebody gave its candidates without having seen it. */
export interface ScoredRow {
  readonly row: JudgedRow;
  readonly odds: readonly number[];
}

/** Log-odds of every row by a contender that was fitted on other groups of rows. */
export function leftOut(rows: readonly JudgedRow[], contender: Contender, seed: number): ScoredRow[] {
  const scorers = new Map<JudgedRow, Scorer>();
  for (const fold of foldsOf(rows, FOLDS, seed)) {
    const scorer = scorerOf(
      contender.fit(
        rows.filter((row) => !fold.includes(row)),
        seed,
      ),
    );
    for (const row of fold) scorers.set(row, scorer);
  }
  return rows.map((row) => ({ row, odds: row.candidates.map(scorers.get(row)!) }));
}

/** Log-odds of every row by something that is not fitted. */
export function scoredBy(rows: readonly JudgedRow[], scorer: Scorer): ScoredRow[] {
  return rows.map((row) => ({ row, odds: row.candidates.map(scorer) }));
}

/** How good an order and its log-odds are. */
export interface Quality {
  /** Share of rows whose first candidate is right. */
  readonly first_right: Estimate;
  /** Mean of one over the rank of the first right candidate, 0 without one. */
  readonly reciprocal_rank: Estimate;
  /** Nats per candidate. */
  readonly log_loss: Estimate;
}

/** The quality of scores, whole groups drawn again for the intervals. Throws `RangeError` without rows. */
export function qualityOf(rows: readonly ScoredRow[], seed: number): Quality {
  return {
    first_right: overGroups(rows, (row) => Number(ranked(row)[0]!.candidate.right), seed),
    reciprocal_rank: overGroups(rows, reciprocalRank, seed),
    log_loss: overGroups(rows, meanLoss, seed),
  };
}

/** How much higher reciprocal rank, and how much lower log loss, `after` has than `before`, row by row. */
export function improvement(
  before: readonly ScoredRow[],
  after: readonly ScoredRow[],
  seed: number,
): { readonly reciprocal_rank: Estimate; readonly log_loss: Estimate } {
  const pairs = before.map((one, index) => ({ row: one.row, before: one, after: after[index]! }));
  const difference = (of: (row: ScoredRow) => number, sign: number): Estimate =>
    overGroups(pairs, (pair) => sign * (of(pair.after) - of(pair.before)), seed);
  return { reciprocal_rank: difference(reciprocalRank, 1), log_loss: difference(meanLoss, -1) };
}

/** The first candidate of each row with its score: what calibration and threshold are about. */
export function firstOutcomes(rows: readonly ScoredRow[]): ScoredOutcome[] {
  return rows.map((row) => {
    const { candidate, odds } = ranked(row)[0]!;
    return { score: logistic(odds), right: candidate.right };
  });
}

function ranked({ row, odds }: ScoredRow): { candidate: JudgedCandidate; odds: number }[] {
  return row.candidates.map((candidate, index) => ({ candidate, odds: odds[index]! })).sort((a, b) => b.odds - a.odds);
}

function reciprocalRank(row: ScoredRow): number {
  const index = ranked(row).findIndex(({ candidate }) => candidate.right);
  return index < 0 ? 0 : 1 / (index + 1);
}

function meanLoss({ row, odds }: ScoredRow): number {
  return row.candidates.reduce((sum, { right }, index) => sum + logLoss(odds[index]!, right), 0) / odds.length;
}

function overGroups<T extends { readonly row: JudgedRow }>(
  rows: readonly T[],
  value: (row: T) => number,
  seed: number,
): Estimate {
  const groups = new Map<string, { sum: number; rows: number }>();
  for (const one of rows) {
    const { sum, rows: count } = groups.get(one.row.group) ?? { sum: 0, rows: 0 };
    groups.set(one.row.group, { sum: sum + value(one), rows: count + 1 });
  }
  const mean = (chosen: readonly { sum: number; rows: number }[]): number =>
    chosen.reduce((total, { sum }) => total + sum, 0) / chosen.reduce((total, { rows: count }) => total + count, 0);
  const estimate = bootstrap([...groups.values()], mean, seed);
  if (!estimate) throw new RangeError('There are no rows to compare.');
  return estimate;
}
