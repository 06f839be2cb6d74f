import { createRandom } from '../../model/random.js';
import { FEATURE_NAMES } from '../../pipeline/features.js';
import type { RankingWeights } from '../../pipeline/ranking-weights.js';
import type { JudgedCandidate, JudgedRow } from './judged.js';
import { fitLogistic, logLoss, logOdds, type LogisticModel, type Sample } from './logistic.js';

/** How much large weights cost; which of them is used is chosen on rows left out. */
const PENALTIES = [1, 10, 100];
const INNER_FOLDS = 5;

/** Scores a candidate, in log-odds. */
export type Scorer = (candidate: JudgedCandidate) => number;

/** Something to be fitted on rows. */
export interface Contender {
  readonly name: string;
  readonly fit: (rows: readonly JudgedRow[], seed: number) => Omit<RankingWeights, 'abstain_below'>;
}

const learnedInputs = ({ formula, features }: JudgedCandidate): number[] => [
  formula,
  ...FEATURE_NAMES.map((name) => features[name]),
];

/** The formula with the line fitted that makes its log-odds calibrated (Platt's scaling); the order stays as it is. */
export const calibratedFormula: Contender = {
  name: 'calibrated formula',
  fit(rows) {
    const { bias, weights } = fitLogistic(
      samplesOf(rows, ({ formula }) => [formula]),
      0,
    );
    // Rows in which the better scores are the worse ones say nothing of how sure one may be.
    return weights[0]! > 0 ? { bias, formula: weights[0]!, features: {} } : { ...baseRate(rows), features: {} };
  },
};

/** The formula's log-odds and all features. */
export const learnedRanking: Contender = {
  name: 'learned ranking',
  fit(rows, seed) {
    const { bias, weights } = fitLogistic(samplesOf(rows, learnedInputs), chosenPenalty(rows, seed));
    const [formula = 0, ...others] = weights;
    return { bias, formula, features: Object.fromEntries(FEATURE_NAMES.map((name, index) => [name, others[index]!])) };
  },
};

/** What weights make of a candidate, in log-odds. */
export function scorerOf({ bias, formula, features }: Omit<RankingWeights, 'abstain_below'>): Scorer {
  const model: LogisticModel = { bias, weights: [formula, ...FEATURE_NAMES.map((name) => features[name] ?? 0)] };
  return (candidate) => logOdds(model, learnedInputs(candidate));
}

/** Rows in parts, whole groups together, by the seed. */
export function foldsOf(rows: readonly JudgedRow[], count: number, seed: number): JudgedRow[][] {
  const random = createRandom(seed);
  const groups = [...new Set(rows.map(({ group }) => group))].map((group) => ({ group, key: random() }));
  groups.sort((a, b) => a.key - b.key);
  const foldOf = new Map(groups.map(({ group }, index) => [group, index % count]));
  return Array.from({ length: Math.min(count, groups.length) }, (_, fold) =>
    rows.filter(({ group }) => foldOf.get(group) === fold),
  );
}

/** Platt's targets: short of 0 and 1, so that few rows do not make anybody certain. */
function samplesOf(rows: readonly JudgedRow[], inputs: (candidate: JudgedCandidate) => number[]): Sample[] {
  const candidates = rows.flatMap((row) => row.candidates);
  const right = candidates.filter((candidate) => candidate.right).length;
  const [high, low] = [(right + 1) / (right + 2), 1 / (candidates.length - right + 2)];
  return candidates.map((candidate) => ({ inputs: inputs(candidate), target: candidate.right ? high : low }));
}

/** A formula that hardly counts beside how often candidates are right at all. */
function baseRate(rows: readonly JudgedRow[]): { bias: number; formula: number } {
  const { bias } = fitLogistic(
    samplesOf(rows, () => []),
    0,
  );
  return { bias, formula: 1e-3 };
}

/** The penalty under which rows left out are predicted best. */
function chosenPenalty(rows: readonly JudgedRow[], seed: number): number {
  const folds = foldsOf(rows, INNER_FOLDS, seed);
  if (folds.length < 2) return Math.max(...PENALTIES);
  const loss = (l2: number): number =>
    folds.reduce((sum, fold) => {
      const model = fitLogistic(
        samplesOf(
          rows.filter((row) => !fold.includes(row)),
          learnedInputs,
        ),
        l2,
      );
      const candidates = fold.flatMap((row) => row.candidates);
      return sum + candidates.reduce((part, one) => part + logLoss(logOdds(model, learnedInputs(one)), one.right), 0);
    }, 0);
  const losses = PENALTIES.map((l2) => ({ l2, loss: loss(l2) }));
  return losses.reduce((a, b) => (b.loss < a.loss ? b : a)).l2;
}
