import type { AgentName } from '../agents/names.js';
import { AGENT_TENSOR_NAMES, agentShapes, type AgentTensorName } from '../model/agent-tensors.js';
import type { ModelConfig } from '../model/config.js';
import { createRandom } from '../model/random.js';
import { saveAgent, type Agent } from './agent.js';

/** The gates begin mostly open (sigmoid 0.73), as in training/pretrain/train_agents.py. */
const GATE_BIAS = 1;

/**
 * Tensors of an agent that has learnt nothing: what goes down is random (normal, variance 1 / hidden size), what goes up is zero, so
 * that it begins as the bare backbone. The same seed gives the same numbers.
 */
export function newAgentTensors(config: ModelConfig, seed = 0): Record<AgentTensorName, Float32Array> {
  const shapes = agentShapes(config);
  const random = createRandom(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const valueOf: Record<AgentTensorName, () => number> = {
    adapter_down: () => normal() / Math.sqrt(config.hidden_size),
    head_down: () => normal() / Math.sqrt(config.hidden_size),
    gate_b: () => GATE_BIAS,
    adapter_up: () => 0,
    head_up: () => 0,
    gate_w: () => 0,
  };
  const tensors = AGENT_TENSOR_NAMES.map((tensor): [string, Float32Array] => {
    const length = shapes[tensor].reduce((product, size) => product * size, 1);
    return [tensor, Float32Array.from({ length }, valueOf[tensor])];
  });
  return Object.fromEntries(tensors) as Record<AgentTensorName, Float32Array>;
}

/** Writes the file of such an agent. Throws `AgentError`. */
export function saveNewAgent(file: string, name: AgentName, config: ModelConfig, seed = 0): Promise<Agent> {
  return saveAgent(file, newAgentTensors(config, seed), { name, backbone: config.fingerprint }, config);
}
