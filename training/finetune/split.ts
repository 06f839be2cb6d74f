import { chainOf, declarationOf, type AgentName } from '../../agents/names.js';
import { TrainingError } from './errors.js';
import type { Dropped, ReadRows } from './rows.js';
import type { TrainingRow } from './sequences.js';

/** The rows of a run by what they are for. No source and no commit is in two of them. */
export interface Split {
  /** Gradients. */
  readonly train: readonly TrainingRow[];
  /** Choice of the best step. */
  readonly valid: readonly TrainingRow[];
  /** The report, and nothing else. */
  readonly heldOut: readonly TrainingRow[];
  readonly dropped: readonly Dropped[];
}

/**
 * Splits rows by their order, which is that of time in a mined file: the last share is held out (unless held-out rows
 * are given), the share before it validates. Rows without an analysis are left out where only the agent that learns it is trained.
 * Throws `TrainingError` (`rows_too_few`) if a part would be empty.
 */
export function splitRows(
  rows: ReadRows,
  heldOutRows: ReadRows | undefined,
  agents: readonly AgentName[],
  shares: { readonly valid: number; readonly heldOut: number },
): Split {
  const dropped: Dropped[] = [...rows.dropped, ...(heldOutRows?.dropped ?? [])];
  const usable = (list: readonly TrainingRow[]): TrainingRow[] =>
    list.filter(({ id, analysisIds, chain }) => {
      if (chain !== undefined && agents.every((agent) => chain !== chainOf(agent).name)) {
        dropped.push({ id, reason: 'other_chain' });
        return false;
      }
      const fits = agents.some((agent) => declarationOf(agent).begins === 'patch') || analysisIds.length > 0;
      if (!fits) dropped.push({ id, reason: 'no_analysis' });
      return fits;
    });
  let rest = usable(rows.rows);
  const takeLast = (share: number): TrainingRow[] => rest.splice(rest.length - Math.ceil(rest.length * share));
  const heldOut = heldOutRows ? usable(heldOutRows.rows) : takeLast(shares.heldOut);
  const withoutThoseOf = (others: readonly TrainingRow[]): TrainingRow[] => {
    const sources = new Set(others.map(({ sourceIds }) => sourceIds.join()));
    const groups = new Set(others.map(({ group }) => group));
    return rest.filter(({ id, group, sourceIds }) => {
      const isOther = sources.has(sourceIds.join()) || (group !== undefined && groups.has(group));
      if (isOther) dropped.push({ id, reason: 'also_held_out' });
      return !isOther;
    });
  };
  rest = withoutThoseOf(heldOut);
  const valid = takeLast(shares.valid);
  const train = withoutThoseOf(valid);
  if (train.length === 0 || valid.length === 0 || heldOut.length === 0) {
    throw new TrainingError(
      'rows_too_few',
      `${train.length} rows to train, ${valid.length} to validate, ${heldOut.length} held out; each needs at least one.`,
    );
  }
  return { train, valid, heldOut, dropped };
}
