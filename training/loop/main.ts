import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { AGENT_NAMES, type AgentName } from '../../agents/names.js';
import { ConfigError, packageRoot } from '../../server/config.js';
import { EXIT, runCommandLine, type Running } from '../command-line.js';
import { AGENT_CHOICES, type AgentChoice } from '../finetune/options.js';
import { runLoop } from './loop.js';
import { publishCandidates, type Servers } from './publish.js';

const AFTERWARDS = `
The server's key is taken from ADMIN_API_KEY or ADMIN_API_KEY_FILE.

Exit codes:
  ${EXIT.done}    published
  ${EXIT.failed}    failure; a refusal of the server is named by its code
  ${EXIT.usage}    the command line cannot be used
  ${EXIT.notBetter}    the gate says no: nothing was published
  ${EXIT.interrupted}  interrupted`;

interface Target {
  readonly server: string;
  readonly adminServer?: string;
  readonly force: boolean;
  readonly out: string;
}

interface PublishTarget extends Target {
  readonly agent?: AgentName;
  readonly canary?: number;
}

interface LoopTarget extends Target {
  readonly agent: AgentChoice;
  readonly rows: string;
  readonly heldout?: string;
  readonly from: string;
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && value <= 1)) {
    throw new InvalidArgumentError('It must be a number above 0, at most 1.');
  }
  return value;
}

function command({ signal }: Running): Command {
  const print = (text: string): void => void process.stdout.write(text);
  const program = new Command('npm run training --').description('From a candidate to what is served.').exitOverride();
  const add = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .exitOverride()
      .option('-s, --server <url>', 'the server', 'http://127.0.0.1:8080')
      .option('--admin-server <url>', 'where its admin API listens (default: as --server)')
      .option('--force', 'publish against the gate; the reasons go into the lineage of the agent', false)
      .option('--out <folder>', 'folder of the training', path.join(packageRoot, '.work', 'train'))
      .addHelpText('after', AFTERWARDS);

  add('publish', 'hand the candidates of a training to a running server: every one of them, or none')
    .addOption(new Option('--agent <name>', 'only that of this agent').choices(AGENT_NAMES))
    .addOption(new Option('--canary <share>', 'serve it to this share of the requests only').argParser(share))
    .action(async ({ out, ...options }: PublishTarget) => {
      const published = await publishCandidates({ ...options, ...serversOf(options), folder: out, signal });
      print(`${JSON.stringify(published, undefined, 2)}\n`);
    });
  add('loop', 'fine-tune, pass the gate, publish, and show the next answer; takes every option of npm run train')
    .addOption(new Option('--agent <name>', 'which agent, or both').choices(AGENT_CHOICES).makeOptionMandatory())
    .requiredOption('--rows <file>', 'edits to learn from')
    .option('--heldout <file>', 'edits for the report only (default: the last of --rows)')
    .option(
      '--from <path>',
      'agent to start from, the one that is live, or the folder it lies in',
      path.join(packageRoot, 'adapters', 'files'),
    )
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (options: LoopTarget, { args }: Command) => {
      const { heldout: heldOut } = options;
      await runLoop({ ...options, ...serversOf(options), heldOut, trainArguments: args, signal, print });
    });
  return program;
}

function serversOf({ server, adminServer = server }: Pick<Target, 'server' | 'adminServer'>): Servers {
  return { server, adminServer };
}

process.exitCode = await runCommandLine(process.argv, command, (error) =>
  error instanceof ConfigError ? EXIT.usage : undefined,
);
