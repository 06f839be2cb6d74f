import { access } from 'node:fs/promises';
import { readTensors, writeTensors, type NamedTensor } from '../../adapters/safetensors.js';
import { AGENT_TENSOR_NAMES } from '../../model/agent-tensors.js';
import { TrainingError } from './errors.js';
import type { AgentNumbers } from './graphs.js';

/** Where a run stands, besides its numbers. */
export interface RunState {
  /** Updates done. */
  readonly step: number;
  /** Validations without improvement since the best one. */
  readonly waited: number;
  /** Lowest validation cross-entropy so far, and the step it was measured at. */
  readonly bestLoss: number;
  readonly bestStep: number;
  /** Validation cross-entropy before the first update. */
  readonly firstLoss: number;
  /** Seconds of work so far, over all parts of the run. */
  readonly seconds: number;
}

/** Everything a run needs to go on as if it had never stopped. */
export interface Checkpoint {
  readonly state: RunState;
  readonly parameters: AgentNumbers;
  readonly first: AgentNumbers;
  readonly second: AgentNumbers;
  readonly best: AgentNumbers;
}

const PARTS = ['parameters', 'first', 'second', 'best'] as const;

/** Writes a checkpoint in one atomic step; `run` names what must be the same on resuming. Throws `AgentError`. */
export async function saveCheckpoint(file: string, checkpoint: Checkpoint, run: string): Promise<void> {
  const tensors = new Map<string, NamedTensor>();
  for (const part of PARTS) {
    for (const name of AGENT_TENSOR_NAMES) {
      const data = checkpoint[part][name];
      tensors.set(`${part}.${name}`, { shape: [data.length], data });
    }
  }
  await writeTensors(file, { tensors, metadata: { format: '1', run, state: JSON.stringify(checkpoint.state) } });
}

/**
 * Reads the checkpoint of the same run.
 * Throws `TrainingError` (`checkpoint_missing`, `checkpoint_of_other_run`), `AgentError`.
 */
export async function loadCheckpoint(file: string, run: string): Promise<Checkpoint> {
  await access(file).catch((cause: unknown) => {
    throw new TrainingError('checkpoint_missing', `There is no checkpoint ${file}.`, { cause });
  });
  const { tensors, metadata } = await readTensors(file);
  if (metadata['run'] !== run) {
    throw new TrainingError(
      'checkpoint_of_other_run',
      `${file} belongs to a run with other rows, settings, agent or backbone; start anew without --resume.`,
    );
  }
  const part = (which: (typeof PARTS)[number]): AgentNumbers =>
    Object.fromEntries(AGENT_TENSOR_NAMES.map((name) => [name, tensors.get(`${which}.${name}`)!.data])) as AgentNumbers;
  return {
    state: JSON.parse(metadata['state']!) as RunState,
    parameters: part('parameters'),
    first: part('first'),
    second: part('second'),
    best: part('best'),
  };
}
