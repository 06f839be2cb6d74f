import { readFile } from 'node:fs/promises';
import { loadConfig } from '../server/config.js';
import type { AgentCard } from '../server/inference/messages.js';
import { keysOf } from '../server/keys.js';
import type { ReleaseState } from '../server/releases/state.js';
import { CommandError } from './exit-codes.js';

/** What is published, and where. */
export interface Publication {
  /** URL of the server. */
  readonly server: string;
  /** The agent's file. */
  readonly file: string;
  /** Share of the requests for a canary; undefined: it takes the place of the stable agent. */
  readonly canary: number | undefined;
  readonly signal: AbortSignal;
}

/** Uploads an agent, which the server checks first, and points a label to it. Throws CommandError. */
export async function publishAgent({ server, file, canary, signal }: Publication): Promise<ReleaseState> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new CommandError('usage', `Cannot read ${file}.`, { cause });
  });
  const card = await call<AgentCard>(server, signal, '/v1/agents', { bytes });
  const state = await call<ReleaseState>(server, signal, '/v1/releases');
  const [field, label] = [card.agent.replace('-', '_'), canary === undefined ? 'stable' : 'canary'];
  const expected = label === 'stable' ? state.stable.id : (state.canary?.release.id ?? null);
  const change = { [field]: card.generation, label, weight: canary, expected_release: expected };
  return call(server, signal, '/v1/releases', { json: change });
}

/** GET, or POST with a body. Throws CommandError with the server's code and message. */
export async function call<T>(
  server: string,
  signal: AbortSignal,
  path: string,
  body?: { readonly bytes: Uint8Array<ArrayBuffer> } | { readonly json: unknown },
): Promise<T> {
  const [key] = await keysOf(loadConfig().adminKeys);
  const type = body && 'bytes' in body ? 'application/octet-stream' : 'application/json';
  const response = await fetch(new URL(path, server), {
    signal,
    headers: { authorization: `Bearer ${key ?? ''}`, ...(body && { 'content-type': type }) },
    ...(body && { method: 'POST', body: 'bytes' in body ? body.bytes : JSON.stringify(body.json) }),
  }).catch((cause: unknown) => {
    throw new CommandError('failed', `Cannot reach ${server}.`, { cause });
  });
  const answer = (await response.json()) as T & { error?: { code: string; message: string } };
  if (answer.error) throw new CommandError('failed', `${answer.error.code}: ${answer.error.message}`);
  return answer;
}
