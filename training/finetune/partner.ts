import { existsSync } from 'node:fs';
import path from 'node:path';
import { loadAgent, type Agent } from '../../adapters/agent.js';
import { chainOf } from '../../agents/names.js';
import type { ModelConfig } from '../../model/config.js';
import type { AgentStart } from './options.js';
import type { PerAgent } from './run-state.js';

/** The agents that a run does not train, which lie beside one that it does, if they do: the two are measured together. */
export async function partnersOf(starts: readonly AgentStart[], config: ModelConfig): Promise<PerAgent<Agent>> {
  const found: [string, Agent][] = [];
  for (const name of chainOf(starts[0]!.agent).agents.filter((other) => starts.every(({ agent }) => agent !== other))) {
    const file = path.join(path.dirname(starts[0]!.from), `${name}.safetensors`);
    if (existsSync(file)) found.push([name, await loadAgent(file, config, name)]);
  }
  return Object.fromEntries(found);
}
