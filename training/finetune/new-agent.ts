import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { saveNewAgent } from '../../adapters/new-agent.js';
import type { AgentName } from '../../agents/names.js';
import { readConfig } from '../../model/config.js';

/**
 * The file that a training starts from: the agent's own in `folder`, or, where there is none, a new agent in the work folder `out`.
 * Throws `ModelError`, `AgentError`.
 */
export async function agentToStartFrom(
  folder: string,
  { agent, out, modelDir, seed }: { agent: AgentName; out: string; modelDir: string; seed: number },
): Promise<string> {
  const own = path.join(folder, `${agent}.safetensors`);
  if (existsSync(own)) return own;
  const file = path.join(out, 'new', `${agent}.safetensors`);
  await mkdir(path.dirname(file), { recursive: true });
  await saveNewAgent(file, agent, await readConfig(modelDir), seed);
  return file;
}
