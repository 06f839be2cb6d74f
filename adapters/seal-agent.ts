import { AGENT_TENSOR_NAMES } from '../model/agent-tensors.js';
import type { Backbone } from '../model/backbone.js';
import { loadAgent, saveAgent, type Agent } from './agent.js';
import { checkAgent, recordProbe } from './check-agent.js';
import { roundedToHalf } from './safetensors.js';

/**
 * Gives an agent's file what only the serving side can compute: a probe, recorded on the served graphs, and the seal. The numbers
 * and the rest of what it says stay as they are; a file that has both comes out the same. Throws `AgentError`, also when the
 * agent cannot serve, and leaves the file then.
 */
export async function sealAgent(file: string, backbone: Backbone): Promise<Agent> {
  const agent = await loadAgent(file, backbone.config);
  await checkAgent(backbone, agent);
  const { name, figures, lineage, probe = await recordProbe(backbone, agent) } = agent;
  const description = { name, backbone: agent.backbone, figures, lineage, probe };
  return saveAgent(file, agent.tensors, description, backbone.config, isHalf(agent) ? 'F16' : 'F32');
}

/** Whether half precision holds these numbers exactly. */
function isHalf({ tensors }: Agent): boolean {
  return AGENT_TENSOR_NAMES.every((name) => {
    const rounded = roundedToHalf(tensors[name]);
    return tensors[name].every((value, at) => value === rounded[at]);
  });
}
