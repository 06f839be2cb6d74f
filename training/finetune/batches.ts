import { createRandom, type Random } from '../../model/random.js';
import type { Sequence } from './sequences.js';

/** Batches that are sorted together by length: more waste less on padding, fewer mix lengths better. */
const BUCKET_BATCHES = 8;

/**
 * Attention weights of one head and layer in a micro-batch at most. All of them are kept for the way back, which makes
 * them the larger part of the memory: four sequences of 192 tokens over 512 fit, or one of the longest.
 */
const MAX_SCORES = 600_000;

/**
 * The sequences of one epoch in batches, each in micro-batches of similar length. The order is a function of seed and
 * epoch only, so a run that is resumed in the middle of an epoch goes on with the batches it would have had.
 */
export function batchesOfEpoch(
  sequences: readonly Sequence[],
  options: { readonly batch: number; readonly microBatch: number; readonly seed: number; readonly epoch: number },
): Sequence[][][] {
  const { batch, microBatch, seed, epoch } = options;
  const random = createRandom(seed, epoch);
  const order = shuffled(sequences, random);
  const batches: Sequence[][] = [];
  for (const bucket of chunks(order, batch * BUCKET_BATCHES)) {
    batches.push(...chunks(sortedByLength(bucket), batch));
  }
  return shuffled(batches, random).map((sequencesOfBatch) => packed(sequencesOfBatch, microBatch));
}

/** Stream of the generator, beside those of the epochs. */
const INTERLEAVING = 2 ** 20;

/** Several lists as one, each in its own order, in an order among them that is a function of seed and epoch only. */
export function interleaved<T>(
  lists: readonly (readonly T[])[],
  { seed, epoch }: { readonly seed: number; readonly epoch: number },
): T[] {
  const turns = lists.flatMap((list, which) => list.map(() => which));
  const next = lists.map((list) => list.values());
  return shuffled(turns, createRandom(seed, INTERLEAVING + epoch)).map((which) => next[which]!.next().value!);
}

/** All sequences in micro-batches of similar length, for evaluation. */
export function microBatches(sequences: readonly Sequence[], size: number): Sequence[][] {
  return packed(sortedByLength(sequences), size);
}

function sortedByLength(sequences: readonly Sequence[]): Sequence[] {
  const length = ({ sourceIds, ids }: Sequence): number => sourceIds.length + ids.length;
  return [...sequences].sort((a, b) => length(a) - length(b));
}

/** Micro-batches of at most `size` sequences, fewer where they are long; one at least. */
function packed(sequences: readonly Sequence[], size: number): Sequence[][] {
  const parts: Sequence[][] = [];
  let [tokens, source] = [0, 0];
  for (const sequence of sequences) {
    const part = parts.at(-1) ?? [];
    tokens = Math.max(tokens, sequence.ids.length);
    source = Math.max(source, sequence.sourceIds.length);
    const fits = part.length < size && (part.length + 1) * tokens * (source + tokens) <= MAX_SCORES;
    if (part.length > 0 && fits) {
      part.push(sequence);
    } else {
      parts.push([sequence]);
      [tokens, source] = [sequence.ids.length, sequence.sourceIds.length];
    }
  }
  return parts;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
