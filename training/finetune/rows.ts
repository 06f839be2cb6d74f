import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import path from 'node:path';
import type { ModelConfig } from '../../model/config.js';
import { throwIfAborted } from '../../model/errors.js';
import type { Tokenizer } from '../../model/tokenizer.js';
import { rowOfEdit } from './edit-row.js';
import { TrainingError } from './errors.js';
import { RowDropped, type DropReason } from './line-edits.js';
import { rowOfPrompt } from './prompt-row.js';
import { editOfValue, isPromptRecord, isTokenRecord } from './row-formats.js';
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

/** Told with each line its number and how many there are. */
export type OnLine = (done: number, total: number) => void;

/**
 * Reads training rows from JSON lines: tokens, edits, SWE-bench or chat messages (see `row-formats.ts`). A line that
 * cannot be used is left out and listed. Throws `TrainingError` (`rows_unreadable`), `ModelError` (`aborted`).
 */
export async function readRows(
  file: string,
  config: ModelConfig,
  tokenizer: Tokenizer,
  { onLine, signal }: { readonly onLine?: OnLine | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<ReadRows> {
  const rows: TrainingRow[] = [];
  const dropped: Dropped[] = [];
  let number = 0;
  try {
    const total = await countLines(file);
    for await (const line of linesOf(file)) {
      throwIfAborted(signal);
      number++;
      onLine?.(number, total);
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

function linesOf(file: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(file), crlfDelay: Infinity });
}

async function countLines(file: string): Promise<number> {
  let count = 0;
  const lines = linesOf(file)[Symbol.asyncIterator]();
  while ((await lines.next()).done !== true) count++;
  return count;
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
  if (isPromptRecord(value)) return rowOfPrompt(value, id, tokenizer);
  const found = editOfValue(value);
  if (!found) throw new RowDropped('not_a_row');
  return { ...rowOfEdit(found.edit, id, config, tokenizer), group: found.group, chain: 'pipeline' };
}

/** Tokens that come with `analyse`, `patch` and the end. */
export const FRAME_TOKENS = 3;

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
