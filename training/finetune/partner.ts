import { existsSync } from 'node:fs';
import path from 'node:path';
import { loadAgent, type Agent } from '../../adapters/agent.js';
import { chainOf, type AgentName } from '../../agents/names.js';
import type { ModelConfig } from '../../model/config.js';

/** The other agent, which lies beside the one that is trained, if it does: the two are measured together. */
export async function partnerOf(
  { agent, from }: { readonly agent: AgentName; readonly from: string },
  config: ModelConfig,
): Promise<Partial<Record<AgentName, Agent>>> {
  const name = chainOf(agent).agents.find((other) => other !== agent)!;
  const file = path.join(path.dirname(from), `${name}.safetensors`);
  return existsSync(file) ? { [name]: await loadAgent(file, config, name) } : {};
}
