import { access } from 'node:fs/promises';
import path from 'node:path';
import { saveAgent } from '../../adapters/agent.js';
import type { AgentName } from '../../agents/names.js';
import type { AgentNumbers, LearningGraphs } from '../finetune/graphs.js';
import { sequencesOf, type TrainingRow } from '../finetune/sequences.js';
import { train, type Settings } from '../finetune/trainer.js';
import { hashOf } from './cache.js';
import type { Unit } from './experiment.js';
import type { Lab } from './lab.js';

/** One agent's training in an experiment: where it begins, on what it learns, by what its best step is chosen. */
export interface Lesson {
  readonly agent: AgentName;
  readonly start: AgentNumbers;
  readonly train: readonly TrainingRow[];
  readonly valid: readonly TrainingRow[];
}

/** What a training gives; the agent lies in the unit's folder. */
export interface Taught {
  readonly file: string;
  readonly generation: string;
  readonly updates: number;
  readonly best_step: number;
  readonly stopped_early: boolean;
  /** Its validation cross-entropy before and at the best step, nats per token. */
  readonly valid_before: number;
  readonly valid_best: number;
  readonly train_seconds: number;
  /** Ids of the rows that were really used. */
  readonly rows: { readonly train: readonly string[]; readonly valid: readonly string[] };
}

/** Settings of all trainings of the experiments, but for epochs and seed: those of `npm run train` with a higher learning rate. */
export const SETTINGS: Omit<Settings, 'epochs' | 'seed'> = {
  batch: 8,
  microBatch: 4,
  learningRate: 1e-3,
  warmupSteps: 4,
  weightDecay: 0.01,
  clipNorm: 1,
  patience: 2,
};

/** Hash of rows for the inputs of a unit. */
export function hashOfRows(rows: readonly TrainingRow[]): string {
  return hashOf(rows.map(({ id, sourceIds, analysisIds, patchIds }) => [id, sourceIds, analysisIds, patchIds]));
}

/**
 * Trains agents together within a unit (each alone would be several units); goes on from the checkpoint that a killed run
 * left in the unit's folder. `graphs` takes the place of the lab's where something about them is changed. Throws
 * `TrainingError`, `ModelError`.
 */
export async function teachTogether(
  lab: Lab,
  unit: Unit,
  lessons: readonly Lesson[],
  settings: Settings,
  graphs?: LearningGraphs,
): Promise<Taught[]> {
  const { model, signal } = lab.context;
  const symbols = await lab.tokenizer();
  for (const { train: learnt, valid } of lessons) await lab.encode([...learnt, ...valid], unit.detail);
  const sequences = (rows: readonly TrainingRow[], agent: AgentName) =>
    rows.flatMap((row, position) => sequencesOf(row, position, agent, symbols));
  const checkpoint = path.join(unit.folder, 'checkpoint.safetensors');
  const run = hashOf([
    settings,
    lessons.map(({ agent, train: learnt, valid }) => [agent, hashOfRows(learnt), hashOfRows(valid)]),
  ]);
  const resume = await access(checkpoint).then(
    () => true,
    () => false,
  );
  const { best, state, stoppedEarly } = await train({
    graphs: graphs ?? (await lab.graphs()),
    lessons: lessons.map(({ agent, start, train: learnt, valid }) => ({
      agent,
      start,
      train: sequences(learnt, agent),
      valid: sequences(valid, agent),
    })),
    validRows: Math.max(...lessons.map(({ valid }) => valid.length)),
    settings,
    checkpoint: { file: checkpoint, run, resume },
    onReport: (report) => {
      if ('train_loss' in report) unit.detail(`step ${report.step} of ${report.total_steps}`);
    },
    signal,
  });
  const taught: Taught[] = [];
  for (const { agent, train: learnt, valid } of lessons) {
    const file = path.join(unit.folder, `${agent}.safetensors`);
    const description = { name: agent, backbone: model.config.fingerprint };
    // In half precision, as it would be served.
    const { generation } = await saveAgent(file, best[agent]!, description, model.config);
    taught.push({
      file,
      generation,
      updates: state.updates[agent] ?? 0,
      best_step: state.bestStep,
      stopped_early: stoppedEarly,
      valid_before: state.validations[0]!.agents[agent]!.valid_loss,
      valid_best: state.validations.find(({ step }) => step === state.bestStep)!.agents[agent]!.valid_loss,
      train_seconds: state.seconds,
      rows: { train: learnt.map(({ id }) => id), valid: valid.map(({ id }) => id) },
    });
  }
  return taught;
}

/** Trains one agent within a unit, as `teachTogether` does. */
export async function teach(
  lab: Lab,
  unit: Unit,
  lesson: Lesson,
  settings: Settings,
  graphs?: LearningGraphs,
): Promise<Taught> {
  return (await teachTogether(lab, unit, [lesson], settings, graphs))[0]!;
}
