import { join } from 'node:path';
import { saveAgent, type Agent, type AgentDescription } from '../../adapters/agent.js';
import type { AgentName } from '../../agents/names.js';
import { AGENT_TENSOR_NAMES, agentShapes, type AgentTensorName } from '../../model/agent-tensors.js';
import { readConfig } from '../../model/config.js';
import { createRandom } from '../../model/random.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';

/** Random tensors of an agent of the tiny model. */
async function randomTensors(seed: number, scale = 0.5): Promise<Record<AgentTensorName, Float32Array>> {
  const random = createRandom(seed);
  const shapes = agentShapes(await readConfig(TINY_DIRECTORY));
  const tensors = AGENT_TENSOR_NAMES.map((name): [string, Float32Array] => {
    const length = shapes[name].reduce((product, size) => product * size, 1);
    return [name, Float32Array.from({ length }, () => (random() - 0.5) * scale)];
  });
  return Object.fromEntries(tensors) as Record<AgentTensorName, Float32Array>;
}

/** Saves an agent of the tiny model with random weights; the same seed gives the same generation. */
export async function saveRandomAgent(
  folder: string,
  name: AgentName,
  seed: number,
  extra: Partial<AgentDescription> = {},
): Promise<{ file: string; agent: Agent }> {
  const config = await readConfig(TINY_DIRECTORY);
  const file = join(folder, `${name}-${seed}.safetensors`);
  const description = { name, backbone: config.fingerprint, ...extra };
  return { file, agent: await saveAgent(file, await randomTensors(seed), description, config) };
}
