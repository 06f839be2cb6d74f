import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Ajv } from 'ajv';
import type { HashedFile, ModelConfig } from '../../model/config.js';
import { TrainingError } from '../finetune/errors.js';
import { readGraphFile } from '../finetune/integrity.js';
import type { MoeSizes } from './tensors.js';

/** moe.json beside a pair of graphs, as `training/pretrain/export_moe.py` writes it. */
export interface MoeRecord extends MoeSizes {
  readonly format: number;
  /** Of the backbone whose weight files the graphs name. */
  readonly fingerprint: string;
  readonly step: HashedFile;
  readonly evaluation: HashedFile;
}

/** A pair of graphs in a folder of its own with the weights that they name. */
export interface MoeGraphFiles {
  readonly record: MoeRecord;
  readonly step: string;
  readonly evaluation: string;
  /** Deletes the folder. */
  remove(): Promise<void>;
}

const hashedFile = {
  type: 'object',
  properties: { file: { type: 'string', pattern: '^[a-z-]+\\.onnx$' }, sha256: { type: 'string' } },
  required: ['file', 'sha256'],
};
const count = { type: 'integer', minimum: 1 };
const validate = new Ajv().compile<MoeRecord>({
  type: 'object',
  properties: {
    format: { const: 1 },
    fingerprint: { type: 'string' },
    experts: count,
    ranks: { type: 'array', items: count, minItems: 2 },
    head_rank: count,
    step: hashedFile,
    evaluation: hashedFile,
  },
  required: ['format', 'fingerprint', 'experts', 'ranks', 'head_rank', 'step', 'evaluation'],
});

/** Weight files that the graphs name. */
const WEIGHTS = ['decoder.bin', 'embedding.bin'] as const;

/** Reads moe.json. Throws `TrainingError` (`training_graphs_missing`, `training_graphs_changed`). */
export async function readMoeRecord(folder: string): Promise<MoeRecord> {
  const source = await readFile(path.join(folder, 'moe.json'), 'utf8').catch((cause: unknown) => {
    throw new TrainingError(
      'training_graphs_missing',
      `${folder} has no graphs of a mixture; training/pretrain/export_moe.py makes them.`,
      { cause },
    );
  });
  const record: unknown = JSON.parse(source);
  if (!validate(record))
    throw new TrainingError('training_graphs_changed', `moe.json of ${folder} is not what it was.`);
  return record;
}

/**
 * Checks the graphs of a folder against their hashes and against the backbone, and puts them beside copies of its
 * weights: onnxruntime reads weights from the graph's own folder only, and follows no link out of it.
 * Throws `TrainingError` (`training_graphs_missing`, `training_graphs_changed`).
 */
export async function placeMoeGraphs(folder: string, modelDir: string, config: ModelConfig): Promise<MoeGraphFiles> {
  const record = await readMoeRecord(folder);
  if (record.fingerprint !== config.fingerprint) {
    throw new TrainingError(
      'training_graphs_missing',
      `The graphs of ${folder} belong to the backbone ${record.fingerprint.slice(0, 12)}, this is ${config.fingerprint.slice(0, 12)}; training/pretrain/export_moe.py makes new ones.`,
    );
  }
  const place = await mkdtemp(path.join(tmpdir(), 'moe-'));
  const remove = (): Promise<void> => rm(place, { recursive: true, force: true });
  try {
    for (const graph of [record.step, record.evaluation]) {
      await writeFile(path.join(place, graph.file), await readGraphFile(folder, graph, 'moe.json'));
    }
    for (const name of WEIGHTS) await copyFile(path.join(modelDir, name), path.join(place, name));
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    record,
    step: path.join(place, record.step.file),
    evaluation: path.join(place, record.evaluation.file),
    remove,
  };
}
