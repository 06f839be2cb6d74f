import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import { writeFileAtomic } from '../../platform/atomic-file.js';
import { TrainingError } from '../finetune/errors.js';

/** The parts of the seed's split (row 23 of the seed inventory): joint training, adaptation of one agent, final test. */
export const SWE_BENCH_PARTS = ['train', 'adapt', 'test'] as const;

export type SweBenchPart = (typeof SWE_BENCH_PARTS)[number];

/** A row as npm run train takes it: without files, so the lines that the patch quotes stand for the file. */
export interface SweBenchRow {
  readonly instance_id: string;
  readonly problem_statement: string;
  readonly patch: string;
}

const text = { type: 'string' };
const ajv = new Ajv();
const isSplit = ajv.compile<{ readonly instance_id: string; readonly split: SweBenchPart }[]>({
  type: 'array',
  items: {
    type: 'object',
    required: ['instance_id', 'split'],
    properties: { instance_id: text, split: { enum: SWE_BENCH_PARTS } },
  },
});
const isRow = ajv.compile<SweBenchRow>({
  type: 'object',
  required: ['instance_id', 'problem_statement', 'patch'],
  properties: { instance_id: text, problem_statement: text, patch: text },
});

/** Issues and patches of 730 rows are 5 MB. */
const MAX_BYTES = 2 ** 30;

/**
 * Reads SWE-bench's rows by the seed's split: `splitFile` (JSON, `[{instance_id, split}]`) says which part an id is in, `rawFile` (JSON
 * lines, or compressed by xz) holds issue and patch. Ids without a part are left out. Throws `TrainingError` (`rows_unreadable`): a
 * file is none of these, an id is in two parts, or has no row.
 */
export async function readSweBench(
  splitFile: string,
  rawFile: string,
): Promise<Readonly<Record<SweBenchPart, readonly SweBenchRow[]>>> {
  const split: unknown = JSON.parse(await contentOf(splitFile));
  if (!isSplit(split)) throw unreadable(splitFile, 'it does not say which part each id is in');
  const raw = new Map<string, SweBenchRow>();
  for (const line of (await contentOf(rawFile)).split('\n').filter((line) => line.trim() !== '')) {
    const row: unknown = JSON.parse(line);
    if (!isRow(row)) throw unreadable(rawFile, 'a line has no instance_id, problem_statement and patch');
    const { instance_id, problem_statement, patch } = row;
    raw.set(instance_id, { instance_id, problem_statement, patch });
  }
  const parts: Record<SweBenchPart, SweBenchRow[]> = { train: [], adapt: [], test: [] };
  const seen = new Set<string>();
  for (const { instance_id: id, split: part } of split) {
    const row = raw.get(id);
    if (!row) throw unreadable(rawFile, `it has no row ${id}`);
    if (seen.has(id)) throw unreadable(splitFile, `${id} is in it twice`);
    seen.add(id);
    parts[part].push(row);
  }
  return parts;
}

/** Writes a part as rows for npm run train, JSON lines. */
export async function writeSweBench(file: string, rows: readonly SweBenchRow[]): Promise<void> {
  await writeFileAtomic(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

async function contentOf(file: string): Promise<string> {
  try {
    if (!file.endsWith('.xz')) return await readFile(file, 'utf8');
    const { stdout } = await promisify(execFile)('xz', ['-dc', file], { maxBuffer: MAX_BYTES });
    return stdout;
  } catch (cause) {
    throw new TrainingError('rows_unreadable', `Cannot read ${file}.`, { cause });
  }
}

function unreadable(file: string, why: string): TrainingError {
  return new TrainingError('rows_unreadable', `${file} cannot be used: ${why}.`);
}
