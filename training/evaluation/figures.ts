import { DEFAULT_OPTIONS } from '../../pipeline/types.js';
import { calibrationOf, type Calibration } from './calibration.js';
import type { CaseTrial } from './case-trial.js';
import { ROW_KINDS, type RowKind } from './held-out.js';
import type { RowTrial } from './row-trial.js';
import { quantile, rate, ratio, type Estimate } from './statistics.js';
import { SEGMENTS, type RowScores, type Segment } from './teacher-forcing.js';

/** Everything measured on one held-out row. */
export interface MeasuredRow {
  readonly kind: RowKind;
  /** Absent, as `single`, when only candidates were asked for. */
  readonly scores?: { readonly agents: RowScores; readonly bare: RowScores };
  /** With one patch wanted. */
  readonly single?: RowTrial;
  /** With several wanted; absent when that was not asked for. */
  readonly several?: RowTrial;
}

/** Rows are counted by kind and all together. */
export type Group = RowKind | 'all';

export const GROUPS: readonly Group[] = [...ROW_KINDS, 'all'];

/** An estimate for each group that has rows. */
export type ByGroup = Partial<Record<Group, Estimate>>;

/** Teacher-forced figures of one segment. */
export interface SegmentFigures {
  /** Nats per token. */
  readonly cross_entropy: ByGroup;
  readonly accuracy: ByGroup;
}

/** What answers to requests about the rows were like. Shares of rows, except where it says patches. */
export interface PipelineFigures {
  readonly window_found: ByGroup;
  /** No patch, or none whose score reaches the default of ABSTAIN_BELOW; those that do not are measured all the same. */
  readonly abstained: ByGroup;
  /** Of patches. */
  readonly applies: ByGroup;
  /** Of patches to files that parsed before. */
  readonly syntax_valid: ByGroup;
  /** The first patch makes the whole file as expected. */
  readonly exact_match: ByGroup;
  /** Any of the patches does. */
  readonly exact_match_any: ByGroup;
  /** Score of the first patch against exact match, where there is a patch. */
  readonly calibration?: Calibration;
  readonly latency_ms: { readonly median: number; readonly p95: number };
  readonly median_tokens: number;
}

export interface CaseFigures {
  readonly cases: number;
  readonly patches: number;
  /** Of patches. */
  readonly applies: Estimate | undefined;
  /** Of cases: by the first patch, by any. */
  readonly tests_passed: Estimate | undefined;
  readonly tests_passed_any: Estimate | undefined;
}

/** Teacher-forced figures by segment. */
export function segmentFigures(
  rows: readonly MeasuredRow[],
  model: 'agents' | 'bare',
  seed: number,
): Record<Segment, SegmentFigures> {
  const figures = (segment: Segment): SegmentFigures => {
    const part = (of: 'loss' | 'correct'): ByGroup =>
      byGroup(rows, (group) =>
        ratio(
          group.flatMap(({ scores }) =>
            scores ? [{ top: scores[model][segment][of], bottom: scores[model][segment].tokens }] : [],
          ),
          seed,
        ),
      );
    return { cross_entropy: part('loss'), accuracy: part('correct') };
  };
  return Object.fromEntries(SEGMENTS.map((segment) => [segment, figures(segment)])) as Record<Segment, SegmentFigures>;
}

/** Figures of the answers with one patch wanted (`single`) or several. */
export function pipelineFigures(
  rows: readonly MeasuredRow[],
  which: 'single' | 'several',
  seed: number,
): PipelineFigures | undefined {
  const answered = rows.flatMap((row) => (row[which] ? [{ kind: row.kind, trial: row[which] }] : []));
  if (answered.length === 0) return undefined;
  const ofRows = (outcome: (trial: RowTrial) => boolean): ByGroup =>
    byGroup(answered, (group) =>
      rate(
        group.map(({ trial }) => outcome(trial)),
        seed,
      ),
    );
  const ofPatches = (outcome: (patch: RowTrial['patches'][number]) => boolean | undefined): ByGroup =>
    byGroup(answered, (group) =>
      ratio(
        group.map(({ trial }) => share(trial.patches.map(outcome))),
        seed,
      ),
    );
  const calibration = calibrationOf(
    answered.flatMap(({ trial: { patches } }) =>
      patches.slice(0, 1).map(({ score, exact }) => ({ score, right: exact })),
    ),
    seed,
  );
  const times = answered.map(({ trial }) => trial.ms);
  return {
    window_found: ofRows((trial) => trial.found),
    abstained: ofRows(({ patches }) => !patches.some(({ score }) => score >= DEFAULT_OPTIONS.abstainBelow)),
    applies: ofPatches((patch) => patch.applies),
    syntax_valid: ofPatches((patch) => patch.parses),
    exact_match: ofRows((trial) => trial.patches[0]?.exact === true),
    exact_match_any: ofRows((trial) => trial.patches.some((patch) => patch.exact)),
    ...(calibration && { calibration }),
    latency_ms: { median: quantile(times, 0.5), p95: quantile(times, 0.95) },
    median_tokens: quantile(
      answered.map(({ trial }) => trial.tokens),
      0.5,
    ),
  };
}

/** How the cases went; those whose tests could not be run at all count as not passed. */
export function caseFigures(trials: readonly CaseTrial[], seed: number): CaseFigures {
  return {
    cases: trials.length,
    patches: trials.reduce((sum, { patches }) => sum + patches.length, 0),
    applies: ratio(
      trials.map(({ patches }) => share(patches.map((patch) => patch.applies))),
      seed,
    ),
    tests_passed: rate(
      trials.map(({ patches }) => patches[0]?.passes === true),
      seed,
    ),
    tests_passed_any: rate(
      trials.map(({ patches }) => patches.some((patch) => patch.passes === true)),
      seed,
    ),
  };
}

/** Outcomes of one row's patches as a part of a share over all patches; unknown ones are left out. */
function share(outcomes: readonly (boolean | undefined)[]): { top: number; bottom: number } {
  const known = outcomes.filter((outcome) => outcome !== undefined);
  return { top: known.filter(Boolean).length, bottom: known.length };
}

function byGroup<T extends { readonly kind: RowKind }>(
  rows: readonly T[],
  estimate: (rows: readonly T[]) => Estimate | undefined,
): ByGroup {
  const entries = GROUPS.flatMap((group) => {
    const value = estimate(group === 'all' ? rows : rows.filter(({ kind }) => kind === group));
    return value ? [[group, value]] : [];
  });
  return Object.fromEntries(entries) as ByGroup;
}
