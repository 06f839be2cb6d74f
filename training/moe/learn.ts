import { throwIfAborted } from '../../model/errors.js';
import { batchesOfEpoch } from '../finetune/batches.js';
import { TrainingError } from '../finetune/errors.js';
import { crossEntropy, evaluateAgent } from '../finetune/evaluation.js';
import type { LearningGraphs } from '../finetune/graphs.js';
import { AdamW, copyOf, learningRateAt, type Numbers } from '../finetune/optimiser.js';
import type { Sequence } from '../finetune/sequences.js';
import { updateOnce } from '../finetune/update.js';

/** Settings of a comparison's trainings; the same for agents and mixtures. */
export interface LearnSettings {
  readonly epochs: number;
  readonly batch: number;
  readonly microBatch: number;
  readonly learningRate: number;
  readonly warmupSteps: number;
  readonly weightDecay: number;
  readonly clipNorm: number;
}

/** What is learnt, from where. */
export interface Lesson<Name extends string> {
  readonly graphs: LearningGraphs<Name>;
  /** Numbers to start from; they are not changed. */
  readonly start: Numbers<Name>;
  readonly train: readonly Sequence[];
  readonly valid: readonly Sequence[];
  readonly validRows: number;
  readonly seed: number;
  readonly settings: LearnSettings;
  /** Told with each epoch that begins, from 1. */
  readonly onEpoch?: (epoch: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The best numbers by validation, and its cross-entropy before the first epoch and after each. */
export interface Learnt<Name extends string> {
  readonly best: Numbers<Name>;
  readonly validations: readonly number[];
}

/**
 * Trains tensors of any layout with the trainer's batches, optimiser and schedule, and keeps the best epoch: one loop
 * for all sides of a comparison. Throws `TrainingError` (`loss_not_finite`), `ModelError` (`aborted`).
 */
export async function learn<Name extends string>(lesson: Lesson<Name>): Promise<Learnt<Name>> {
  const { graphs, settings, seed, signal } = lesson;
  const parameters = copyOf(lesson.start);
  const optimiser = new AdamW(parameters, settings.weightDecay);
  const totalSteps = settings.epochs * Math.ceil(lesson.train.length / settings.batch);
  const schedule = { ...settings, totalSteps };
  const validations = [await validate(lesson, parameters)];
  let best = copyOf(parameters);
  for (let epoch = 0; epoch < settings.epochs; epoch++) {
    lesson.onEpoch?.(epoch + 1);
    for (const batch of batchesOfEpoch(lesson.train, { ...settings, seed, epoch })) {
      throwIfAborted(signal);
      const { updates } = optimiser;
      const options = {
        learningRate: learningRateAt(updates, schedule),
        clipNorm: settings.clipNorm,
        step: updates + 1,
      };
      await updateOnce(graphs, parameters, optimiser, batch, options);
    }
    const loss = await validate(lesson, parameters);
    if (loss < Math.min(...validations)) best = copyOf(parameters);
    validations.push(loss);
  }
  return { best, validations };
}

async function validate<Name extends string>(
  { graphs, valid, validRows, settings, signal }: Lesson<Name>,
  parameters: Numbers<Name>,
): Promise<number> {
  const { total } = await evaluateAgent(graphs, parameters, valid, {
    rows: validRows,
    microBatch: settings.microBatch,
    signal,
  });
  const loss = crossEntropy(total);
  if (!Number.isFinite(loss)) throw new TrainingError('loss_not_finite', 'The validation loss is not a number.');
  return loss;
}
