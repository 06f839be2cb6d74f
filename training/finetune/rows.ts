import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { Ajv } from 'ajv';
import type { ModelConfig } from '../../model/config.js';
import type { Tokenizer } from '../../model/tokenizer.js';
import { ANALYSIS_FIELDS, rowOfEdit, type EditRecord } from './edit-row.js';
import { TrainingError } from './errors.js';
import { RowDropped, type DropReason } from './line-edits.js';
import type { TrainingRow } from './sequences.js';

/** A line that was left out, and why. */
export interface Dropped {
  readonly id: string;
  readonly reason: DropReason;
}

/** The rows of a file, in its order, and the lines that are none. */
export interface ReadRows {
  readonly rows: readonly TrainingRow[];
  readonly dropped: readonly Dropped[];
}

/** A row whose tokens are made already, as training/pretrain/heldout.py writes them; other fields are ignored. */
interface TokenRecord {
  readonly source_ids: readonly number[];
  readonly analysis_ids: readonly number[];
  readonly patch_ids: readonly number[];
}

interface StoredEdit extends Omit<EditRecord, 'issue'> {
  readonly issue: string | { readonly title: string; readonly body?: string };
}

const ids = { type: 'array', items: { type: 'integer', minimum: 0 } };
const text = { type: 'string' };
const textFields = (...names: readonly string[]): object => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, text])),
  required: names,
});
const ajv = new Ajv({ allowUnionTypes: true });
const isTokenRecord = ajv.compile<TokenRecord>({
  type: 'object',
  properties: { source_ids: { ...ids, minItems: 1 }, analysis_ids: ids, patch_ids: { ...ids, minItems: 1 } },
  required: ['source_ids', 'analysis_ids', 'patch_ids'],
});
const isEditRecord = ajv.compile<StoredEdit>({
  type: 'object',
  properties: {
    issue: {
      oneOf: [text, { type: 'object', properties: { title: text, body: text }, required: ['title'] }],
    },
    files: { type: 'array', items: textFields('path', 'content') },
    patch: text,
    analysis: textFields(...ANALYSIS_FIELDS),
  },
  required: ['issue', 'files', 'patch'],
});

/**
 * Reads training rows from JSON lines: `{source_ids, analysis_ids, patch_ids}` or `{issue, files, patch, analysis?}`.
 * A line that cannot be used is left out and listed. Throws `TrainingError` (`rows_unreadable`).
 */
export async function readRows(file: string, config: ModelConfig, tokenizer: Tokenizer): Promise<ReadRows> {
  const rows: TrainingRow[] = [];
  const dropped: Dropped[] = [];
  let number = 0;
  try {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      number++;
      if (line.trim() === '') continue;
      const id = `${path.basename(file)}:${number}`;
      try {
        rows.push(checked(toRow(line, id, config, tokenizer), config));
      } catch (error) {
        if (!(error instanceof RowDropped)) throw error;
        dropped.push({ id, reason: error.reason });
      }
    }
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && 'syscall' in cause)) throw cause;
    throw new TrainingError('rows_unreadable', `Cannot read ${file}.`, { cause });
  }
  return { rows, dropped };
}

function toRow(line: string, id: string, config: ModelConfig, tokenizer: Tokenizer): TrainingRow {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new RowDropped('not_json');
  }
  if (isTokenRecord(value)) {
    return { id, sourceIds: value.source_ids, analysisIds: value.analysis_ids, patchIds: value.patch_ids };
  }
  if (!isEditRecord(value)) throw new RowDropped('not_a_row');
  return rowOfEdit({ ...value, issue: issueOf(value.issue) }, id, config, tokenizer);
}

/** An issue in one text begins with its title. */
function issueOf(issue: StoredEdit['issue']): EditRecord['issue'] {
  if (typeof issue !== 'string') return { title: issue.title, body: issue.body ?? '' };
  const end = issue.indexOf('\n');
  return end < 0 ? { title: issue, body: '' } : { title: issue.slice(0, end), body: issue.slice(end + 1) };
}

/** Tokens that come with `analyse`, `patch` and the end. */
const FRAME_TOKENS = 3;

function checked(row: TrainingRow, config: ModelConfig): TrainingRow {
  const { sourceIds, analysisIds, patchIds } = row;
  if (
    sourceIds.length > config.max_source_tokens ||
    analysisIds.length + patchIds.length + FRAME_TOKENS > config.max_target_tokens
  ) {
    throw new RowDropped('too_many_tokens');
  }
  for (const part of [sourceIds, analysisIds, patchIds]) {
    if (part.some((token) => token >= config.vocab_size)) throw new RowDropped('token_unknown');
  }
  return row;
}
