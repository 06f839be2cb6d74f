import path from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { REQUIRED_AGENTS, type RequiredAgent } from '../../agents/names.js';
import { AgentError } from '../../adapters/errors.js';
import { CommandError, exitCode } from '../../cli/exit-codes.js';
import { ConfigError, packageRoot } from '../../server/config.js';
import { runLoop, TrainingFailed } from './loop.js';
import { NotPublishable, publishCandidate } from './publish.js';

/** The same as of `npm run train`. */
const NOT_BETTER = 3;

const AFTERWARDS = `
The server's key is taken from ADMIN_API_KEY or ADMIN_API_KEY_FILE.

Exit codes:
  ${exitCode.patched}    published
  ${exitCode.failed}    failure; a refusal of the server is named by its code
  ${exitCode.usage}    the command line cannot be used
  ${NOT_BETTER}    the gate says no: nothing was published
  ${exitCode.interrupted}  interrupted`;

interface Target {
  readonly server: string;
  readonly force: boolean;
  readonly out: string;
}

interface LoopTarget extends Target {
  readonly agent: RequiredAgent;
  readonly rows: string;
  readonly heldout?: string;
  readonly from?: string;
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && value <= 1)) {
    throw new InvalidArgumentError('It must be a number above 0, at most 1.');
  }
  return value;
}

/** Runs the command line and returns the exit code. */
async function main(argv: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  process.once('SIGINT', () => {
    interrupt.abort(new Error('Interrupted.'));
  });
  const { signal } = interrupt;
  const print = (text: string): void => void process.stdout.write(text);
  const program = new Command('npm run training --').description('From a candidate to what is served.').exitOverride();
  const add = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .exitOverride()
      .option('-s, --server <url>', 'the server', 'http://127.0.0.1:8080')
      .option('--force', 'publish against the gate; the reasons go into the lineage of the agent', false)
      .option('--out <folder>', 'folder of the training', path.join(packageRoot, '.work', 'train'))
      .addHelpText('after', AFTERWARDS);

  add('publish', 'hand the candidate of a training to a running server')
    .addOption(new Option('--canary <share>', 'serve it to this share of the requests only').argParser(share))
    .action(async ({ out, ...options }: Target & { readonly canary?: number }) => {
      const published = await publishCandidate({ ...options, folder: out, signal });
      print(`${JSON.stringify(published, undefined, 2)}\n`);
    });
  add('loop', 'fine-tune, pass the gate, publish, and show the next answer; takes every option of npm run train')
    .addOption(new Option('--agent <name>', 'which agent').choices(REQUIRED_AGENTS).makeOptionMandatory())
    .requiredOption('--rows <file>', 'edits to learn from')
    .option('--heldout <file>', 'edits for the report only (default: the last of --rows)')
    .option('--from <file>', 'agent to start from, the one that is live (default: that of adapters/files)')
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (options: LoopTarget, command: Command) => {
      const { agent, heldout: heldOut } = options;
      const from = options.from ?? path.join(packageRoot, 'adapters', 'files', `${agent}.safetensors`);
      await runLoop({ ...options, from, heldOut, trainArguments: command.args, signal, print });
    });

  try {
    await program.parseAsync(argv);
    return exitCode.patched;
  } catch (error) {
    if (signal.aborted) return exitCode.interrupted;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCode.usage;
    const message = error instanceof AgentError ? `${error.code}: ${error.message}` : (error as Error).message;
    process.stderr.write(`${message}\n`);
    if (error instanceof TrainingFailed || error instanceof CommandError) return error.exitCode;
    if (error instanceof NotPublishable) return NOT_BETTER;
    return error instanceof ConfigError ? exitCode.usage : exitCode.failed;
  }
}

process.exitCode = await main(process.argv);
