import { throwIfAborted } from '../../model/errors.js';
import { microBatches } from './batches.js';
import { NO_SUMS, plus, type LearningGraphs, type Sums } from './graphs.js';
import type { Numbers } from './optimiser.js';
import type { Sequence } from './sequences.js';

/** What an agent does on some rows, per row and in all. */
export interface Evaluated {
  /** One entry for each row, in the rows' order; sequences of one row are added up. */
  readonly rows: readonly Sums[];
  readonly total: Sums;
}

/** Measures an agent, or other tensors, on sequences of `rows` rows. Throws `ModelError` (`aborted`, `graph_failed`). */
export async function evaluateAgent<Name extends string>(
  graphs: Pick<LearningGraphs<Name>, 'evaluate'>,
  agent: Numbers<Name>,
  sequences: readonly Sequence[],
  options: { readonly rows: number; readonly microBatch: number; readonly signal?: AbortSignal | undefined },
): Promise<Evaluated> {
  const rows = new Array<Sums>(options.rows).fill(NO_SUMS);
  for (const part of microBatches(sequences, options.microBatch)) {
    throwIfAborted(options.signal);
    const sums = await graphs.evaluate(part, agent);
    for (const [at, { row }] of part.entries()) rows[row] = plus(rows[row]!, sums[at]!);
  }
  return { rows, total: rows.reduce(plus, NO_SUMS) };
}

/** Cross-entropy in nats per token. */
export function crossEntropy({ loss, count }: Sums): number {
  return count === 0 ? 0 : loss / count;
}

/** Share of the tokens that were the likeliest, teacher-forced. */
export function accuracy({ correct, count }: Sums): number {
  return count === 0 ? 0 : correct / count;
}
