import { AgentError } from './errors.js';
import { MAX_AGENT_BYTES, generationOf, SEAL } from './agent.js';
import { readTensors, writeTensors } from './safetensors.js';

/**
 * Writes a copy of an agent's file with something added to its lineage, sealed anew: the same agent, another generation.
 * Returns the generation. Throws `AgentError`.
 */
export async function withLineage(
  file: string,
  target: string,
  added: Readonly<Record<string, unknown>>,
): Promise<string> {
  const { tensors, metadata } = await readTensors(file, { maxBytes: MAX_AGENT_BYTES });
  let lineage: object;
  try {
    lineage = JSON.parse(metadata['lineage'] ?? '{}') as object;
  } catch (cause) {
    throw new AgentError('agent_malformed', `${file}: metadata lineage is not JSON.`, { cause });
  }
  const contents = { tensors, metadata: { ...metadata, lineage: JSON.stringify({ ...lineage, ...added }) } };
  const generation = generationOf(tensors, contents.metadata);
  // In single precision no number changes, in whatever precision it came.
  await writeTensors(target, { tensors, metadata: { ...contents.metadata, [SEAL]: generation } });
  return generation;
}
