import { Command, Option } from 'commander';
import { inspectAgent } from '../adapters/inspect-agent.js';
import type { ReleaseState } from '../server/releases/state.js';
import { call, publishAgent } from './admin-api.js';
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
      show(labels(await publishAgent({ server, file, canary, signal })));
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
