import type { AgentTensors } from '../../model/agent-tensors.js';
import { recordProbe } from '../../adapters/check-agent.js';
import type { Probe } from '../../adapters/probe-record.js';
import { loadBackbone } from '../../model/backbone.js';
import type { Sequence } from './sequences.js';

/** Enough to tell one agent from another; every server that loads the agent computes it again. */
const MAX_TOKENS = 64;

/** What an agent answers to the beginning of a sequence, on a backbone that is loaded only for this. Throws `ModelError`, `AgentError`. */
export async function probeOf(
  directory: string,
  threads: number,
  agent: AgentTensors,
  { sourceIds, ids }: Sequence,
): Promise<Probe> {
  const backbone = await loadBackbone({ directory, threads });
  try {
    return await recordProbe(backbone, agent, sourceIds.slice(0, MAX_TOKENS), ids.slice(0, MAX_TOKENS));
  } finally {
    await backbone.close();
  }
}
