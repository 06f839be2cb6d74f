import { generationOf, MAX_AGENT_BYTES } from './agent.js';
import { readTensors } from './safetensors.js';

/** What can be said of an agent's file without its backbone. */
export interface AgentSummary {
  readonly generation: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Shape of each tensor. */
  readonly tensors: Readonly<Record<string, readonly number[]>>;
}

/** Reads a file and says what is in it; checks no more than that it can be read. Throws `AgentError`. */
export async function inspectAgent(file: string): Promise<AgentSummary> {
  const { tensors, metadata } = await readTensors(file, { maxBytes: MAX_AGENT_BYTES });
  return {
    generation: generationOf(tensors, metadata),
    metadata,
    tensors: Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape])),
  };
}
