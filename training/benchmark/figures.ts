import { calibrationOf, type Calibration } from '../evaluation/calibration.js';
import { ratio, type Estimate, type Part } from '../evaluation/statistics.js';
import type { TaskTrial } from './task-trial.js';

/** Numbers of candidates that pass rates are given for, as far as so many were asked for. */
const CUTS = [1, 5, 20];

/**
 * How often the bugs of a group were repaired. Intervals are bootstrap intervals over tasks, since the bugs of one task have
 * code and tests in common.
 */
export interface PassFigures {
  readonly bugs: number;
  readonly tasks: number;
  /** By k: share of bugs with a candidate that passes among the first k. */
  readonly pass_at: Readonly<Record<string, Estimate>>;
  /** Mean of one over the rank of the first candidate that passes, 0 where none does. */
  readonly reciprocal_rank: Estimate;
}

export interface BenchmarkFigures {
  readonly all: PassFigures;
  readonly by_kind: Readonly<Record<string, PassFigures>>;
  readonly candidates: number;
  /** Of candidates. */
  readonly applies: Estimate | undefined;
  /** Of candidates whose result somebody could judge. */
  readonly parses: Estimate | undefined;
  /** Bugs by the rank of the first candidate that passes; `none` where no one does. */
  readonly first_right: Readonly<Record<string, number>>;
  /** Score of each bug's first candidate against the tests. */
  readonly calibration: Calibration | undefined;
  /** With the threshold that serving has: which bugs get an answer, and how many of these answers pass. */
  readonly abstention: {
    readonly threshold: number;
    readonly answered: Estimate | undefined;
    readonly passes_of_answered: Estimate | undefined;
  };
}

export interface FigureOptions {
  /** Candidates that were asked for. */
  readonly wanted: number;
  /** Answers whose best score is below are held back when served. */
  readonly threshold: number;
  readonly seed: number;
}

/** The figures of a suite; undefined without trials. */
export function benchmarkFigures(trials: readonly TaskTrial[], options: FigureOptions): BenchmarkFigures | undefined {
  const { wanted, threshold, seed } = options;
  const all = passFigures(trials, wanted, seed);
  if (!all) return undefined;
  const kinds = [...new Set(trials.map(({ kind }) => kind))].sort();
  const byKind = kinds.map((kind) => [
    kind,
    passFigures(
      trials.filter((trial) => trial.kind === kind),
      wanted,
      seed,
    ),
  ]);
  const ranks = trials.map((trial) => String(rankOf(trial) ?? 'none'));
  const firsts = trials.flatMap(({ candidates: [first] }) =>
    first ? [{ score: first.score, right: first.passes }] : [],
  );
  const isAnswered = ({ candidates: [first] }: TaskTrial): boolean => first !== undefined && first.score >= threshold;
  const answered = trials.filter(isAnswered);
  return {
    all,
    by_kind: Object.fromEntries(byKind) as Record<string, PassFigures>,
    candidates: trials.reduce((sum, { candidates }) => sum + candidates.length, 0),
    applies: ofCandidates(trials, ({ applies }) => applies, seed),
    parses: ofCandidates(trials, ({ parses }) => parses, seed),
    first_right: Object.fromEntries(
      [...new Set(ranks)]
        .sort((a, b) => (a === 'none' ? 1 : b === 'none' ? -1 : Number(a) - Number(b)))
        .map((rank) => [rank, ranks.filter((other) => other === rank).length]),
    ),
    calibration: calibrationOf(firsts, seed),
    abstention: {
      threshold,
      answered: overTasks(trials, (trial) => (isAnswered(trial) ? 1 : 0), seed),
      passes_of_answered: overTasks(answered, ({ candidates }) => (candidates[0]?.passes ? 1 : 0), seed),
    },
  };
}

/** The pass rate at k = 1, 2, … `wanted`, for a curve. */
export function passCurve(trials: readonly TaskTrial[], wanted: number, seed: number): Estimate[] {
  return Array.from({ length: wanted }, (_, index) => passAt(trials, index + 1, seed)!);
}

/** Pass rates of a group; undefined without trials. */
export function passFigures(trials: readonly TaskTrial[], wanted: number, seed: number): PassFigures | undefined {
  const reciprocal = overTasks(trials, (trial) => 1 / (rankOf(trial) ?? Infinity), seed);
  if (!reciprocal) return undefined;
  const cuts = CUTS.filter((k) => k <= wanted);
  return {
    bugs: trials.length,
    tasks: new Set(trials.map(({ task }) => task)).size,
    pass_at: Object.fromEntries(cuts.map((k) => [String(k), passAt(trials, k, seed)!])),
    reciprocal_rank: reciprocal,
  };
}

function passAt(trials: readonly TaskTrial[], k: number, seed: number): Estimate | undefined {
  return overTasks(trials, (trial) => ((rankOf(trial) ?? Infinity) <= k ? 1 : 0), seed);
}

/** Rank, from 1, of the first candidate that passes. */
function rankOf({ candidates }: TaskTrial): number | undefined {
  const index = candidates.findIndex(({ passes }) => passes);
  return index < 0 ? undefined : index + 1;
}

function ofCandidates(
  trials: readonly TaskTrial[],
  outcome: (candidate: TaskTrial['candidates'][number]) => boolean | undefined,
  seed: number,
): Estimate | undefined {
  const known = trials.map(({ task, candidates }) => {
    const outcomes = candidates.map(outcome).filter((value) => value !== undefined);
    return { task, top: outcomes.filter(Boolean).length, bottom: outcomes.length };
  });
  return ratio(perTask(known), seed);
}

/** The mean of a value over bugs; whole tasks are drawn again for the interval. */
function overTasks(
  trials: readonly TaskTrial[],
  value: (trial: TaskTrial) => number,
  seed: number,
): Estimate | undefined {
  return ratio(perTask(trials.map((trial) => ({ task: trial.task, top: value(trial), bottom: 1 }))), seed);
}

function perTask(parts: readonly (Part & { readonly task: string })[]): Part[] {
  const sums = new Map<string, { top: number; bottom: number }>();
  for (const { task, top, bottom } of parts) {
    const sum = sums.get(task) ?? { top: 0, bottom: 0 };
    sums.set(task, { top: sum.top + top, bottom: sum.bottom + bottom });
  }
  return [...sums.values()];
}
