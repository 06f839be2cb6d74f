import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { inspectAgent } from '../adapters/inspect-agent.js';
import { loadConfig } from '../server/config.js';
import type { AgentCard } from '../server/inference/messages.js';
import { keysOf } from '../server/keys.js';
import type { ReleaseState } from '../server/releases/state.js';
import { CommandError } from './exit-codes.js';

interface ServerOption {
  readonly server: string;
}

/** The commands `agents …`: what a running server serves, and how that is changed. Results are printed as JSON. */
export function agentsCommand(print: (text: string) => void, signal: AbortSignal): Command {
  const show = (value: unknown): void => {
    print(`${JSON.stringify(value, undefined, 2)}\n`);
  };
  const agents = new Command('agents').description(
    'the agents of a running server; its key is taken from ADMIN_API_KEY',
  );
  const add = (name: string, description: string): Command =>
    agents
      .command(name)
      .description(description)
      .exitOverride()
      .addOption(new Option('-s, --server <url>', 'the server').default('http://127.0.0.1:8080'));

  agents
    .command('inspect <file>')
    .description('what is in an agent file; needs no server')
    .exitOverride()
    .action(async (file: string) => {
      show(await inspectAgent(file));
    });
  add('list', 'the stored agents').action(async ({ server }: ServerOption) => {
    show(await call(server, signal, '/v1/agents'));
  });
  add('publish <file>', 'check and store an agent, and serve it')
    .addOption(new Option('--canary <weight>', 'serve it to this share of the requests only, 0 to 1').argParser(Number))
    .action(async (file: string, { server, canary }: ServerOption & { canary?: number }) => {
      const bytes = await readFile(file).catch((cause: unknown) => {
        throw new CommandError('usage', `Cannot read ${file}.`, { cause });
      });
      const card = await call<AgentCard>(server, signal, '/v1/agents', { bytes });
      const state = await call<ReleaseState>(server, signal, '/v1/releases');
      const [field, label] = [card.agent.replace('-', '_'), canary === undefined ? 'stable' : 'canary'];
      const expected = label === 'stable' ? state.stable.id : (state.canary?.release.id ?? null);
      const change = { [field]: card.generation, label, weight: canary, expected_release: expected };
      show(labels(await call(server, signal, '/v1/releases', { json: change })));
    });
  add('rollback', 'take the canary away, or without one go back to the stable release before').action(
    async ({ server }: ServerOption) => {
      const { stable, canary } = await call<ReleaseState>(server, signal, '/v1/releases');
      const change = canary
        ? { label: 'canary', expected_release: canary.release.id }
        : { label: 'stable', expected_release: stable.id };
      show(labels(await call(server, signal, '/v1/releases/rollback', { json: change })));
    },
  );
  add('promote', 'make the canary stable').action(async ({ server }: ServerOption) => {
    const { canary } = await call<ReleaseState>(server, signal, '/v1/releases');
    if (!canary) throw new CommandError('failed', 'There is no canary.');
    const change = { expected_release: canary.release.id };
    show(labels(await call(server, signal, '/v1/releases/promote', { json: change })));
  });
  return agents;
}

function labels({ stable, canary }: ReleaseState): Pick<ReleaseState, 'stable' | 'canary'> {
  return { stable, canary };
}

/** GET, or POST with a body. Throws CommandError with the server's code and message. */
async function call<T>(
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
