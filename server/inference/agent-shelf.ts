import { agentTensors, type Agent } from '../../adapters/agent.js';
import { fieldOf, type AgentName } from '../../agents/names.js';
import { AGENT_TENSOR_NAMES, type AgentTensorName, type AgentTensors } from '../../model/agent-tensors.js';
import type { ModelConfig } from '../../model/config.js';
import type { Engine } from '../../pipeline/pipeline.js';
import type { AgentPayload, Release } from './messages.js';

/** An agent's numbers in shared memory, to be sent to other threads. */
export function payloadOf(agent: Agent): AgentPayload {
  const tensors = AGENT_TENSOR_NAMES.map((name): [string, Float32Array] => {
    const shared = new Float32Array(new SharedArrayBuffer(agent.tensors[name].byteLength));
    shared.set(agent.tensors[name]);
    return [name, shared];
  });
  return { generation: agent.generation, tensors: Object.fromEntries(tensors) };
}

/** The agents a worker holds, by generation. A request picks those of its release: that is all a swap is. */
export class AgentShelf {
  readonly #config: ModelConfig;
  readonly #agents = new Map<string, AgentTensors>();

  constructor(config: ModelConfig) {
    this.#config = config;
  }

  /** Copies agents out of shared memory, which the runtime does not read. Those already held are left alone. */
  add(payloads: readonly AgentPayload[]): void {
    for (const { generation, tensors } of payloads) {
      if (this.#agents.has(generation)) continue;
      const own = AGENT_TENSOR_NAMES.map((name): [string, Float32Array] => [
        name,
        Float32Array.from(tensors[name] ?? []),
      ]);
      const stacked = Object.fromEntries(own) as Record<AgentTensorName, Float32Array>;
      this.#agents.set(generation, agentTensors(stacked, this.#config));
    }
  }

  drop(generations: readonly string[]): void {
    for (const generation of generations) this.#agents.delete(generation);
  }

  /** An agent of a release. Throws when the release has none of this name or it is not held: never another one in its place. */
  agent(release: Release, name: AgentName): AgentTensors {
    return this.#held(release[fieldOf(name)] ?? `${name} of another release`);
  }

  /** The two agents of the pipeline, with the same rule. */
  pair(release: Release): Engine['agents'] {
    return {
      issueAnalysis: this.agent(release, 'issue-analysis'),
      codeGeneration: this.agent(release, 'code-generation'),
    };
  }

  #held(generation: string): AgentTensors {
    const agent = this.#agents.get(generation);
    if (!agent) throw new Error(`The worker does not hold the generation ${generation}.`);
    return agent;
  }
}
