import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import type { ModelConfig } from '../../model/config.js';
import type { Tokenizer } from '../../model/tokenizer.js';
import { TrainingError } from '../finetune/errors.js';
import type { TrainingRow } from '../finetune/sequences.js';
import type { FailedRow } from './experiment.js';

interface StoredRow {
  readonly instance_id: string;
  readonly split: 'train' | 'adapt' | 'test';
  readonly input: string;
  readonly issue_target: string;
  readonly code_target: string;
}

const text = { type: 'string' };
const isStored = new Ajv().compile<StoredRow[]>({
  type: 'array',
  items: {
    type: 'object',
    required: ['instance_id', 'split', 'input', 'issue_target', 'code_target'],
    properties: {
      instance_id: text,
      split: { enum: ['train', 'adapt', 'test'] },
      input: text,
      issue_target: text,
      code_target: text,
    },
  },
});

/** A row of the seed's: its input X as source, its gist P as analysis, its code Y as patch. */
export interface SweBenchRow {
  readonly row: TrainingRow;
  /** The same with as much of the gist as leaves room for the code: what the code agent is given and taught. */
  readonly code: TrainingRow;
  readonly gist: string;
  readonly target: string;
  /** Bytes of the targets with white space as the seed's tokenizer leaves it. */
  readonly bytes: { readonly issue: number; readonly code: number };
}

export type SweBenchSplit = Readonly<Record<StoredRow['split'], readonly SweBenchRow[]>> & {
  readonly failed: readonly FailedRow[];
};

/** Tokens of the input, and of the code target: as in the seed, of its tokenizer (row 22). */
const MAX_INPUT = 256;
const MAX_CODE = 320;
/** `<|analyse|>`, `<|patch|>` and the end. */
const FRAME = 3;

/** Reads the seed's rows with their split. Throws `TrainingError` (`rows_unreadable`). */
export async function readSweBench(file: string, config: ModelConfig, tokenizer: Tokenizer): Promise<SweBenchSplit> {
  const fail = (cause: unknown): never => {
    throw new TrainingError(
      'rows_unreadable',
      `${file} does not hold the rows of SWE-bench; name them by --swe-bench.`,
      {
        cause,
      },
    );
  };
  const stored: unknown = await readFile(file, 'utf8')
    .then((content): unknown => JSON.parse(content))
    .catch(fail);
  if (!isStored(stored)) return fail(isStored.errors);
  const failed: FailedRow[] = [];
  const split: Record<StoredRow['split'], SweBenchRow[]> = { train: [], adapt: [], test: [] };
  for (const one of stored) {
    const made = toRow(one, config, tokenizer);
    if (typeof made === 'string') failed.push({ row: one.instance_id, step: 'read', reason: made });
    else split[one.split].push(made);
  }
  return { ...split, failed };
}

function toRow(stored: StoredRow, config: ModelConfig, tokenizer: Tokenizer): SweBenchRow | string {
  const { instance_id: id, input, issue_target: gist, code_target: target } = stored;
  const sourceIds = tokenizer.encodeText(input).slice(0, MAX_INPUT);
  const analysisIds = tokenizer.encodeText(gist);
  const patchIds = tokenizer.encodeText(target).slice(0, MAX_CODE);
  const room = config.max_target_tokens - FRAME - patchIds.length;
  if (sourceIds.length === 0 || patchIds.length === 0) return 'empty';
  if (analysisIds.length + FRAME > config.max_target_tokens) return 'too_many_tokens';
  const row = { id, group: id, sourceIds, analysisIds, patchIds };
  return {
    row,
    code: { ...row, analysisIds: analysisIds.slice(0, Math.max(1, room)) },
    gist,
    target,
    bytes: { issue: normalisedBytes(gist), code: normalisedBytes(tokenizer.decode(patchIds)) },
  };
}

function normalisedBytes(content: string): number {
  return Buffer.byteLength(content.split(/\s+/).filter(Boolean).join(' '), 'utf8');
}
