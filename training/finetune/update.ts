import { TrainingError } from './errors.js';
import { NO_SUMS, plus, type LearningGraphs, type Sums } from './graphs.js';
import { averageAndClip, zerosLike, type AdamW, type Numbers } from './optimiser.js';
import type { Sequence } from './sequences.js';

/** How an update goes. */
export interface UpdateOptions {
  readonly learningRate: number;
  /** Largest norm of the averaged gradient. */
  readonly clipNorm: number;
  /** Number of the step, from 1; errors name it. */
  readonly step: number;
}

/**
 * One update of `parameters`, in place, from the gradients of all micro-batches of a batch, averaged over labels and clipped. Returns the
 * sums of the loss before it and the gradient's norm before clipping. Throws `TrainingError` (`loss_not_finite`; nothing is changed),
 * `ModelError`.
 */
export async function updateOnce<Name extends string>(
  graphs: LearningGraphs<Name>,
  parameters: Numbers<Name>,
  optimiser: AdamW<Name>,
  batch: readonly (readonly Sequence[])[],
  { learningRate, clipNorm, step }: UpdateOptions,
): Promise<{ readonly sums: Sums; readonly norm: number }> {
  const gradients = zerosLike(parameters);
  let sums = NO_SUMS;
  for (const part of batch) sums = plus(sums, await graphs.addGradients(part, parameters, gradients));
  const norm = averageAndClip(gradients, sums.count, clipNorm);
  if (!Number.isFinite(norm) || !Number.isFinite(sums.loss)) {
    throw new TrainingError('loss_not_finite', `Loss or gradient of step ${step} is not a number.`);
  }
  optimiser.update(gradients, learningRate);
  return { sums, norm };
}
