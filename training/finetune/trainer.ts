import { throwIfAborted } from '../../model/errors.js';
import { batchesOfEpoch } from './batches.js';
import { loadCheckpoint, saveCheckpoint, type RunState } from './checkpoint.js';
import { TrainingError } from './errors.js';
import { accuracy, crossEntropy, evaluateAgent } from './evaluation.js';
import { NO_SUMS, plus, type AgentNumbers, type LearningGraphs, type Sums } from './graphs.js';
import { AdamW, averageAndClip, copyOf, learningRateAt, zerosLike } from './optimiser.js';
import type { Sequence } from './sequences.js';

/** Settings of a run that change its numbers. */
export interface Settings {
  readonly epochs: number;
  /** Sequences of one update. */
  readonly batch: number;
  /** Sequences computed at a time: less memory, the same update. */
  readonly microBatch: number;
  readonly learningRate: number;
  readonly warmupSteps: number;
  readonly weightDecay: number;
  /** Largest norm of the averaged gradient. */
  readonly clipNorm: number;
  /** Validations without improvement after which training stops. */
  readonly patience: number;
  readonly seed: number;
}

/** One line of the log; the names are those of OpenAI's fine-tuning metrics. */
export interface StepReport {
  readonly step: number;
  readonly total_steps: number;
  readonly epoch: number;
  readonly train_loss: number;
  readonly train_mean_token_accuracy: number;
  readonly learning_rate: number;
  readonly grad_norm: number;
  readonly sequences_per_second: number;
}

/** After each epoch, and once before the first. */
export interface ValidReport {
  readonly step: number;
  readonly valid_loss: number;
  readonly valid_mean_token_accuracy: number;
  readonly best: boolean;
}

/** What a run works on. */
export interface Run {
  readonly graphs: LearningGraphs;
  /** Numbers to start from; they are not changed. */
  readonly start: AgentNumbers;
  readonly train: readonly Sequence[];
  readonly valid: readonly Sequence[];
  readonly validRows: number;
  readonly settings: Settings;
  /** File of the checkpoint, and what identifies the run. */
  readonly checkpoint: { readonly file: string; readonly run: string; readonly resume: boolean };
  readonly onReport?: (report: StepReport | ValidReport) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The best numbers of a run by validation, and how it came to an end. */
export interface Trained {
  readonly best: AgentNumbers;
  readonly state: RunState;
  readonly stoppedEarly: boolean;
}

/** A validation loss this many times the first one means that the training has left the road. */
const DIVERGED = 2;

/**
 * Fine-tunes one agent. A checkpoint is written after every epoch and when the signal fires; a run resumed from it
 * gives bit for bit what an uninterrupted one gives. Throws `TrainingError` (`loss_not_finite`, `loss_diverged`, those
 * of `loadCheckpoint`), `ModelError` (`aborted` after the checkpoint is on the disk).
 */
export async function train(run: Run): Promise<Trained> {
  const { settings, signal } = run;
  const parameters = copyOf(run.start);
  const optimiser = new AdamW(parameters, settings.weightDecay);
  const stepsPerEpoch = Math.ceil(run.train.length / settings.batch);
  const schedule = { ...settings, totalSteps: settings.epochs * stepsPerEpoch };
  const began = performance.now();
  let best = copyOf(parameters);
  let state: RunState;
  if (run.checkpoint.resume) {
    const stored = await loadCheckpoint(run.checkpoint.file, run.checkpoint.run);
    for (const [to, from] of [
      [parameters, stored.parameters],
      [optimiser.first, stored.first],
      [optimiser.second, stored.second],
    ] as const) {
      for (const name of Object.keys(to) as (keyof AgentNumbers)[]) to[name].set(from[name]);
    }
    best = stored.best;
    optimiser.updates = stored.state.step;
    state = stored.state;
  } else {
    const { loss } = await validate(run, parameters, 0, true);
    state = { step: 0, waited: 0, bestLoss: loss, bestStep: 0, firstLoss: loss, seconds: 0 };
  }
  const secondsBefore = state.seconds;
  const save = async (): Promise<void> => {
    state = { ...state, seconds: secondsBefore + (performance.now() - began) / 1000 };
    const { first, second } = optimiser;
    await saveCheckpoint(run.checkpoint.file, { state, parameters, first, second, best }, run.checkpoint.run);
  };
  while (state.step < schedule.totalSteps && state.waited < settings.patience) {
    const epoch = Math.floor(state.step / stepsPerEpoch);
    const batches = batchesOfEpoch(run.train, { ...settings, epoch }).slice(state.step % stepsPerEpoch);
    for (const batch of batches) {
      if (signal?.aborted === true) {
        await save();
        throwIfAborted(signal);
      }
      await update(run, parameters, optimiser, batch, { step: state.step, epoch, schedule });
      state = { ...state, step: state.step + 1 };
    }
    const valid = await validate(run, parameters, state.step, false, state.bestLoss);
    if (valid.best) {
      best = copyOf(parameters);
      state = { ...state, waited: 0, bestLoss: valid.loss, bestStep: state.step };
    } else {
      state = { ...state, waited: state.waited + 1 };
    }
    await save();
    if (valid.loss > DIVERGED * state.firstLoss) {
      throw new TrainingError(
        'loss_diverged',
        `The validation loss is ${valid.loss.toFixed(3)} after ${state.step} steps, ${state.firstLoss.toFixed(3)} before; use a lower learning rate.`,
      );
    }
  }
  return { best, state, stoppedEarly: state.step < schedule.totalSteps };
}

/** One update from the gradients of all micro-batches. */
async function update(
  { graphs, settings, onReport }: Run,
  parameters: AgentNumbers,
  optimiser: AdamW<keyof AgentNumbers>,
  batch: readonly (readonly Sequence[])[],
  at: { readonly step: number; readonly epoch: number; readonly schedule: Parameters<typeof learningRateAt>[1] },
): Promise<void> {
  const began = performance.now();
  const gradients = zerosLike(parameters);
  let sums: Sums = NO_SUMS;
  for (const part of batch) sums = plus(sums, await graphs.addGradients(part, parameters, gradients));
  const norm = averageAndClip(gradients, sums.count, settings.clipNorm);
  if (!Number.isFinite(norm) || !Number.isFinite(sums.loss)) {
    throw new TrainingError('loss_not_finite', `Loss or gradient of step ${at.step + 1} is not a number.`);
  }
  const learningRate = learningRateAt(at.step, at.schedule);
  optimiser.update(gradients, learningRate);
  const rows = batch.reduce((sum, part) => sum + part.length, 0);
  onReport?.({
    step: at.step + 1,
    total_steps: at.schedule.totalSteps,
    epoch: at.epoch + 1,
    train_loss: crossEntropy(sums),
    train_mean_token_accuracy: accuracy(sums),
    learning_rate: learningRate,
    grad_norm: norm,
    sequences_per_second: (1000 * rows) / (performance.now() - began),
  });
}

async function validate(
  { graphs, valid, validRows, settings, onReport }: Run,
  parameters: AgentNumbers,
  step: number,
  first: boolean,
  bestLoss = Infinity,
): Promise<{ readonly loss: number; readonly best: boolean }> {
  const { total } = await evaluateAgent(graphs, parameters, valid, {
    rows: validRows,
    microBatch: settings.microBatch,
  });
  const loss = crossEntropy(total);
  if (!Number.isFinite(loss)) throw new TrainingError('loss_not_finite', 'The validation loss is not a number.');
  const best = first || loss < bestLoss;
  onReport?.({ step, valid_loss: loss, valid_mean_token_accuracy: accuracy(total), best });
  return { loss, best };
}
