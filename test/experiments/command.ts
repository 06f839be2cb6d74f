import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { runProgram, type Outcome } from '../helpers/program.js';

/** A line of the log about a finished unit. */
export interface UnitLine {
  readonly experiment: string;
  readonly unit: string;
  readonly cached: boolean;
  readonly done: number;
  readonly of: number;
}

export interface ExperimentsOutcome extends Outcome {
  readonly units: readonly UnitLine[];
}

/** Runs the command; `onLine` may interrupt it when a line of the log comes. */
export async function runExperiments(
  args: readonly string[],
  onLine?: (line: string, interrupt: () => void) => void,
): Promise<ExperimentsOutcome> {
  const outcome = await runProgram('training/experiments/main.js', args, onLine);
  const units = outcome.log.flatMap((line) => (line.includes('"unit"') ? [JSON.parse(line) as UnitLine] : []));
  return { ...outcome, units };
}

/** Everything an experiment found, without what a clock says and where files lie. */
export async function numbersOf(out: string, experiment: string): Promise<unknown> {
  const text = await readFile(path.join(out, experiment, 'results.json'), 'utf8');
  const { data } = JSON.parse(text, (key, value: unknown) =>
    key === 'seconds' || key.endsWith('_seconds') || key === 'file' ? undefined : value,
  ) as { data: unknown };
  return data;
}

/** Names of an experiment's files that end so. */
export async function filesOf(out: string, experiment: string, ending: string): Promise<string[]> {
  return (await readdir(path.join(out, experiment))).filter((name) => name.endsWith(ending));
}

/** Ids of rows by what they were used for. */
export interface UsedRows {
  readonly train: readonly string[];
  readonly valid: readonly string[];
  readonly test: readonly string[];
}

/** All `{train, valid, test}` in a value. */
export function usedRowsIn(value: unknown): UsedRows[] {
  if (typeof value !== 'object' || value === null) return [];
  const inside = Object.values(value).flatMap(usedRowsIn);
  return 'train' in value && 'valid' in value && 'test' in value ? [value as UsedRows, ...inside] : inside;
}
