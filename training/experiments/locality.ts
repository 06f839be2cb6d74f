import type { Agent } from '../../adapters/agent.js';
import type { RequiredAgent } from '../../agents/names.js';
import { AGENT_TENSOR_NAMES } from '../../model/agent-tensors.js';
import type { Hashes } from '../finetune/integrity.js';

/** Which numbers a training changed, with the seed's keys (row 83). */
export interface ParameterLocality {
  readonly changed_tensor_count: number;
  readonly unchanged_tensor_count: number;
  readonly max_abs_parameter_delta: number;
  readonly target_changed_count: number;
  /** Tensors of the other agent and files of the backbone that are not what they were. */
  readonly non_target_changed_count: number;
  readonly target_changed: readonly string[];
  readonly non_target_changed: readonly string[];
}

/** The whole system at one time: both agents' numbers, and the backbone's files by their hashes. */
export interface SystemState {
  readonly agents: Readonly<Record<RequiredAgent, Agent>>;
  readonly files: Hashes;
}

/** A tensor has changed if a number of it has by more than this. */
const LEAST_DELTA = 1e-9;

/** Compares two states of the system, tensor by tensor; a file of the backbone counts as one tensor. */
export function parameterLocality(target: RequiredAgent, before: SystemState, after: SystemState): ParameterLocality {
  const changed: string[] = [];
  let [count, largest] = [0, 0];
  for (const name of Object.keys(before.agents) as RequiredAgent[]) {
    for (const tensor of AGENT_TENSOR_NAMES) {
      const [old, now] = [before.agents[name].tensors[tensor], after.agents[name].tensors[tensor]];
      const delta = old.reduce((most, value, at) => Math.max(most, Math.abs(value - now[at]!)), 0);
      count++;
      largest = Math.max(largest, delta);
      if (delta > LEAST_DELTA) changed.push(`${name}.${tensor}`);
    }
  }
  for (const [file, hash] of Object.entries(before.files)) {
    count++;
    if (after.files[file] !== hash) changed.push(file);
  }
  const ofTarget = changed.filter((name) => name.startsWith(`${target}.`));
  const elsewhere = changed.filter((name) => !ofTarget.includes(name));
  return {
    changed_tensor_count: changed.length,
    unchanged_tensor_count: count - changed.length,
    max_abs_parameter_delta: largest,
    target_changed_count: ofTarget.length,
    non_target_changed_count: elsewhere.length,
    target_changed: ofTarget,
    non_target_changed: elsewhere,
  };
}
