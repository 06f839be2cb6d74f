import type { RequiredAgent } from '../../agents/names.js';
import type { ReadRows } from '../finetune/rows.js';
import { sequencesOf, type Sequence, type Symbols, type TrainingRow } from '../finetune/sequences.js';
import { splitRows, type Split } from '../finetune/split.js';
import type { LearnSettings } from './learn.js';

/** What all sides of a comparison get: the same rows, the same tokens, the same settings. */
export interface Study {
  readonly rows: StudyRows;
  readonly symbols: Symbols;
  readonly settings: LearnSettings;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

/** Rows by what they are for, oldest first. */
export interface StudyRows {
  /** Both roles are learnt from these. */
  readonly base: readonly TrainingRow[];
  /** Then one role is adapted to these. */
  readonly adapt: readonly TrainingRow[];
  /** Choice of the best epoch. */
  readonly valid: readonly TrainingRow[];
  readonly heldOut: readonly TrainingRow[];
}

/** How many rows of each kind to use at most. */
export type RowCounts = Readonly<Record<keyof StudyRows, number>>;

/**
 * The newest rows of a file, in the order of time: base, adapt, valid, held out. Only rows with an analysis are used,
 * so that both roles learn from the same rows. Throws `TrainingError` (`rows_too_few`).
 */
export function studyRows(read: ReadRows, counts: RowCounts): StudyRows & Pick<Split, 'dropped'> {
  const wanted = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const rows = read.rows.filter(({ analysisIds }) => analysisIds.length > 0).slice(-wanted);
  // By shares, so that a short file is split in the same proportions.
  const { train, valid, heldOut, dropped } = splitRows({ ...read, rows }, undefined, ['issue-analysis'], {
    heldOut: counts.heldOut / wanted,
    valid: counts.valid / wanted,
  });
  const first = Math.ceil((train.length * counts.base) / (counts.base + counts.adapt));
  return { base: train.slice(0, first), adapt: train.slice(first), valid, heldOut, dropped };
}

/** What some roles learn from, or are measured on. */
export function sequencesOfRoles(
  { rows, symbols }: Pick<Study, 'rows' | 'symbols'>,
  part: keyof StudyRows,
  roles: readonly RequiredAgent[],
): Sequence[] {
  return roles.flatMap((role) => rows[part].flatMap((row, position) => sequencesOf(row, position, role, symbols)));
}
