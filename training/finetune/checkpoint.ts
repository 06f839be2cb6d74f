import { access } from 'node:fs/promises';
import type { AgentName } from '../../agents/names.js';
import { readTensors, writeTensors, type NamedTensor } from '../../adapters/safetensors.js';
import { AGENT_TENSOR_NAMES } from '../../model/agent-tensors.js';
import { TrainingError } from './errors.js';
import type { AgentNumbers } from './graphs.js';
import type { LearnerNumbers } from './learner.js';
import type { PerAgent, RunState } from './run-state.js';

/** Everything a run needs to go on as if it had never stopped. */
export interface Checkpoint {
  readonly state: RunState;
  readonly agents: PerAgent<LearnerNumbers>;
}

const PARTS = ['parameters', 'first', 'second', 'best'] as const;

/** The header holds the history of the run, about 300 bytes an update. */
const MAX_HEADER_BYTES = 256 * 2 ** 20;
const MAX_BYTES = 2 ** 30;

/** Writes a checkpoint in one atomic step; `run` names what must be the same on resuming. Throws `AgentError`. */
export async function saveCheckpoint(file: string, { state, agents }: Checkpoint, run: string): Promise<void> {
  const tensors = new Map<string, NamedTensor>();
  for (const [agent, numbers] of Object.entries(agents)) {
    for (const part of PARTS) {
      for (const name of AGENT_TENSOR_NAMES) {
        const data = numbers[part][name];
        tensors.set(`${agent}.${part}.${name}`, { shape: [data.length], data });
      }
    }
  }
  await writeTensors(file, { tensors, metadata: { format: '2', run, state: JSON.stringify(state) } });
}

/**
 * Reads the checkpoint of the same run.
 * Throws `TrainingError` (`checkpoint_missing`, `checkpoint_of_other_run`), `AgentError`.
 */
export async function loadCheckpoint(file: string, run: string, agents: readonly AgentName[]): Promise<Checkpoint> {
  await access(file).catch((cause: unknown) => {
    throw new TrainingError('checkpoint_missing', `There is no checkpoint ${file}.`, { cause });
  });
  const { tensors, metadata } = await readTensors(file, { maxBytes: MAX_BYTES, maxHeaderBytes: MAX_HEADER_BYTES });
  if (metadata['run'] !== run) {
    throw new TrainingError(
      'checkpoint_of_other_run',
      `${file} belongs to a run with other rows, settings, agents or backbone; start anew without --resume.`,
    );
  }
  const numbers = (agent: AgentName, part: string): AgentNumbers =>
    Object.fromEntries(
      AGENT_TENSOR_NAMES.map((name) => [name, tensors.get(`${agent}.${part}.${name}`)!.data]),
    ) as AgentNumbers;
  const partsOf = (agent: AgentName): LearnerNumbers =>
    Object.fromEntries(PARTS.map((part) => [part, numbers(agent, part)])) as unknown as LearnerNumbers;
  return {
    state: JSON.parse(metadata['state']!) as RunState,
    agents: Object.fromEntries(agents.map((agent) => [agent, partsOf(agent)])),
  };
}
