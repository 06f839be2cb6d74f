import { readFile } from 'node:fs/promises';

/** How much of a task training has seen, by its 13-grams; training/benchmark/overlap.py counts them. */
export interface Overlap {
  readonly n: number;
  /** Training records that were searched. */
  readonly records: number;
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

/** Whether the check found nothing of a task in the training data. False for a task that was not checked. */
export function isUnseen({ tasks }: Overlap, task: string): boolean {
  return tasks[task]?.found === 0;
}
