import assert from 'node:assert/strict';
import { batchesOfEpoch, microBatches } from '../../training/finetune/batches.js';
import type { Sequence } from '../../training/finetune/sequences.js';

function sequence(row: number, source: number, tokens: number): Sequence {
  return { row, sourceIds: new Array<number>(source).fill(40), ids: new Array<number>(tokens).fill(40), labels: 1 };
}

describe('batches', () => {
  const sequences = Array.from({ length: 50 }, (_, row) => sequence(row, 10 + ((row * 7) % 90), 20));
  const options = { batch: 8, microBatch: 3, seed: 1, epoch: 0 };
  const rowsOf = (batches: Sequence[][][]): number[] => batches.flat(2).map(({ row }) => row);

  it('hold every sequence once, in an order that depends on seed and epoch only', () => {
    const rows = rowsOf(batchesOfEpoch(sequences, options));
    assert.deepEqual(
      [...rows].sort((a, b) => a - b),
      sequences.map(({ row }) => row),
    );
    assert.deepEqual(rows, rowsOf(batchesOfEpoch(sequences, options)));
    assert.notDeepEqual(rows, rowsOf(batchesOfEpoch(sequences, { ...options, epoch: 1 })));
    assert.notDeepEqual(rows, rowsOf(batchesOfEpoch(sequences, { ...options, seed: 2 })));
  });

  it('have their sizes, with sequences of similar length together', () => {
    const batches = batchesOfEpoch(sequences, options);
    assert.equal(batches.length, 7);
    assert(batches.flat().every((part) => part.length <= 3));
    const spread = (list: Sequence[]): number => {
      const lengths = list.map(({ sourceIds }) => sourceIds.length);
      return Math.max(...lengths) - Math.min(...lengths);
    };
    assert(batches.every((batch) => spread(batch.flat()) < 40));
  });

  it('hold fewer sequences where they are long, one at least', () => {
    const long = Array.from({ length: 4 }, (_, row) => sequence(row, 1024, 480));
    assert.deepEqual(
      microBatches(long, 4).map((part) => part.length),
      [1, 1, 1, 1],
    );
    const usual = Array.from({ length: 8 }, (_, row) => sequence(row, 512, 192));
    assert.deepEqual(
      microBatches(usual, 4).map((part) => part.length),
      [4, 4],
    );
  });
});
