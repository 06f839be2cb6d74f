import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { readTensors, type TensorFile } from '../../adapters/safetensors.js';
import type { ModelConfig } from '../../model/config.js';
import { layerNames } from '../../model/signatures.js';
import type { Sequence } from '../../training/finetune/sequences.js';
import { TINY_DIRECTORY } from './tiny.js';

/** A sequence of the golden fixture, with what PyTorch says of it under the golden agent. */
export interface GoldenRow {
  source: number[];
  target: number[];
  labels: number;
  loss: number;
  correct: number;
}

/** The fixture that `training/pretrain/golden_step.py` writes. */
export interface GoldenStep {
  readonly rows: readonly GoldenRow[];
  readonly sequences: readonly Sequence[];
  readonly golden: TensorFile;
  /** In place of the cache: each source's memory as PyTorch computed it. */
  readonly cache: { read(ids: readonly number[]): Promise<Float32Array> };
}

export async function readGoldenStep(config: ModelConfig): Promise<GoldenStep> {
  const file = (name: string): string => path.join(TINY_DIRECTORY, name);
  const rows = JSON.parse(await readFile(file('golden-step.json'), 'utf8')) as GoldenRow[];
  const golden = await readTensors(file('golden-step.safetensors'));
  const memoryOf = (row: number): Float32Array => {
    const parts = layerNames(config).flatMap(({ memoryKey, memoryValue }) =>
      [memoryKey, memoryValue].map((name) => golden.tensors.get(`${name}.${row}`)!.data),
    );
    return Float32Array.from(parts.flatMap((part) => [...part]));
  };
  return {
    rows,
    sequences: rows.map(({ source, target, labels }, row) => ({ row, sourceIds: source, ids: target, labels })),
    golden,
    cache: { read: async (ids) => memoryOf(rows.findIndex(({ source }) => source === ids)) },
  };
}
