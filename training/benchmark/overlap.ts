import { readFile } from 'node:fs/promises';
import { passFigures } from './figures.js';
import type { BenchmarkReport } from './report.js';
import type { TaskTrial } from './task-trial.js';

/** How much of a task training has seen, by its 13-grams; training/benchmark/overlap.py counts them. */
export interface Overlap {
  readonly n: number;
  /** Training records that were searched. */
  readonly records: number;
  /** Of these, by the file they are from. */
  readonly sources: Readonly<Record<string, number>>;
  readonly tasks: Readonly<Record<string, { readonly grams: number; readonly found: number }>>;
}

/** The counts in a file; undefined when there is no such file. */
export async function readOverlap(file: string): Promise<Overlap | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Overlap;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** What training has seen, and how the bugs fared of which it has seen nothing. A task that was not checked counts as seen. */
export function overlapFigures(
  { n, records, sources, tasks }: Overlap,
  trials: readonly TaskTrial[],
  { wanted, seed }: { readonly wanted: number; readonly seed: number },
): NonNullable<BenchmarkReport['overlap']> {
  const seen = Object.entries(tasks).filter(([, { found }]) => found > 0);
  const unseen = trials.filter(({ task }) => tasks[task]?.found === 0);
  return {
    n,
    records,
    sources,
    seen: Object.fromEntries(seen.map(([task, { grams, found }]) => [task, found / grams])),
    unseen: passFigures(unseen, wanted, seed),
  };
}
