import type { AgentName } from '../../agents/names.js';
import { throwIfAborted } from '../../model/errors.js';
import { batchesOfEpoch, interleaved } from './batches.js';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.js';
import { accuracy, crossEntropy } from './evaluation.js';
import type { AgentNumbers, LearningGraphs } from './graphs.js';
import { Learner, type Lesson } from './learner.js';
import { learningRateAt, type Schedule } from './optimiser.js';
import type { PerAgent, RunState, StepReport, ValidReport } from './run-state.js';
import type { Sequence } from './sequences.js';
import { updateOnce } from './update.js';
import { checkNotDiverged, validate } from './validation.js';

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

/** What a run works on. */
export interface Run {
  readonly graphs: LearningGraphs;
  /** One for each agent that is trained; of several agents the batches are interleaved. */
  readonly lessons: readonly Lesson[];
  readonly validRows: number;
  readonly settings: Settings;
  /** File of the checkpoint, and what identifies the run. */
  readonly checkpoint: { readonly file: string; readonly run: string; readonly resume: boolean };
  readonly onReport?: ((report: StepReport | ValidReport) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The numbers of the best step by validation, and how the run came to an end. */
export interface Trained {
  readonly best: PerAgent<AgentNumbers>;
  readonly state: RunState;
  readonly stoppedEarly: boolean;
}

/**
 * Fine-tunes one agent, or both together: each update is of one agent, in a seeded order, under one schedule; the best step
 * is that of the whole set. A checkpoint is written after every epoch and when the signal fires; a run resumed from it gives
 * bit for bit what an uninterrupted one gives. Throws `TrainingError` (`loss_not_finite`, `loss_diverged`, those of
 * `loadCheckpoint`), `ModelError` (`aborted` after the checkpoint is on the disk).
 */
export async function train(run: Run): Promise<Trained> {
  const { settings, signal } = run;
  const learners = run.lessons.map((lesson) => new Learner(lesson, settings.weightDecay));
  const perAgent = <T>(of: (learner: Learner) => T): PerAgent<T> =>
    Object.fromEntries(learners.map((learner) => [learner.agent, of(learner)]));
  const stepsPerEpoch = run.lessons.reduce((sum, { train }) => sum + Math.ceil(train.length / settings.batch), 0);
  const schedule = { ...settings, totalSteps: settings.epochs * stepsPerEpoch };
  const began = performance.now();
  let state = run.checkpoint.resume ? await resumed(run, learners) : await begun(run, learners);
  const secondsBefore = state.seconds;
  const save = async (): Promise<void> => {
    const seconds = secondsBefore + (performance.now() - began) / 1000;
    state = { ...state, seconds, updates: perAgent(({ optimiser }) => optimiser.updates) };
    await saveCheckpoint(run.checkpoint.file, { state, agents: perAgent((of) => of.numbers()) }, run.checkpoint.run);
  };
  const steps = [...state.steps];
  while (state.step < schedule.totalSteps && state.waited < settings.patience) {
    const epoch = Math.floor(state.step / stepsPerEpoch);
    for (const [learner, batch] of batchesOf(learners, settings, epoch).slice(state.step % stepsPerEpoch)) {
      if (signal?.aborted === true) {
        await save();
        throwIfAborted(signal);
      }
      steps.push(await update(run, learner, batch, { step: state.step, epoch, schedule }));
      state = { ...state, step: state.step + 1, steps };
    }
    const valid = await validate(run, learners, state);
    state = { ...state, validations: [...state.validations, valid], waited: valid.best ? 0 : state.waited + 1 };
    if (valid.best) {
      for (const learner of learners) learner.keepAsBest();
      state = { ...state, bestLoss: valid.valid_loss, bestStep: state.step };
    }
    await save();
    checkNotDiverged(state.validations);
  }
  return { best: perAgent(({ best }) => best), state, stoppedEarly: state.step < schedule.totalSteps };
}

/** The batches of an epoch, each with the agent that learns from it. */
function batchesOf(learners: readonly Learner[], settings: Settings, epoch: number): [Learner, Sequence[][]][] {
  const lists = learners.map((learner) =>
    batchesOfEpoch(learner.lesson.train, { ...settings, epoch }).map((batch): [Learner, Sequence[][]] => [
      learner,
      batch,
    ]),
  );
  return interleaved(lists, { seed: settings.seed, epoch });
}

async function begun(run: Run, learners: readonly Learner[]): Promise<RunState> {
  const nothing = { step: 0, updates: {}, waited: 0, bestLoss: Infinity, bestStep: 0, seconds: 0 };
  const valid = await validate(run, learners, nothing);
  return { ...nothing, bestLoss: valid.valid_loss, steps: [], validations: [valid] };
}

async function resumed({ checkpoint }: Run, learners: readonly Learner[]): Promise<RunState> {
  const { file, run } = checkpoint;
  const stored = await loadCheckpoint(
    file,
    run,
    learners.map(({ agent }): AgentName => agent),
  );
  for (const learner of learners) {
    learner.restore(stored.agents[learner.agent]!, stored.state.updates[learner.agent] ?? 0);
  }
  return stored.state;
}

/** One update of one agent, and its report. */
async function update(
  { graphs, settings, onReport }: Run,
  { agent, parameters, optimiser }: Learner,
  batch: readonly (readonly Sequence[])[],
  at: { readonly step: number; readonly epoch: number; readonly schedule: Schedule },
): Promise<StepReport> {
  const began = performance.now();
  const learningRate = learningRateAt(at.step, at.schedule);
  const { clipNorm } = settings;
  const options = { learningRate, clipNorm, step: at.step + 1 };
  const { sums, norm } = await updateOnce(graphs, parameters, optimiser, batch, options);
  const sequences = batch.reduce((sum, part) => sum + part.length, 0);
  const seconds = (performance.now() - began) / 1000;
  const report = {
    step: at.step + 1,
    total_steps: at.schedule.totalSteps,
    epoch: at.epoch + 1,
    agent,
    train_loss: crossEntropy(sums),
    train_mean_token_accuracy: accuracy(sums),
    learning_rate: learningRate,
    grad_norm: norm,
    seconds,
    sequences_per_second: sequences / seconds,
  };
  onReport?.(report);
  return report;
}
