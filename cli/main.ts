#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import { numberIn } from '../platform/number-option.js';
import { ConfigError } from '../server/config.js';
import { agentsCommand } from './agents-command.js';
import { CommandError, exitCode } from './exit-codes.js';
import { feedbackCommand } from './feedback-command.js';
import { githubCommand } from './github-command.js';
import { runPatch, type PatchOptions } from './patch-command.js';

const exitCodesHelp = `
Exit codes:
  ${exitCode.patched}    a patch that applies was proposed (and applied, with --apply)
  ${exitCode.failed}    failure: the model cannot be loaded, the server not be reached
  ${exitCode.usage}    the command line cannot be used
  ${exitCode.abstained}    no patch is trusted
  ${exitCode.notApplied}    --apply: the patch no longer fits the files; nothing was changed
  ${exitCode.testsFailed}    --test: no patch passed; nothing was changed
  ${exitCode.interrupted}  interrupted

The model is configured by the same environment variables as the server (MODEL_DIR, AGENTS_DIR, THREADS, …).`;

/** Runs the command line and returns the exit code. */
async function main(argv: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interrupt.abort(new Error('Interrupted.'));
    });
  }
  let code: number = exitCode.patched;

  const program = new Command('agentic-seq2seq')
    .description('An issue and code in, a patch that applies out.')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });
  program
    .command('patch')
    .description('propose a patch for an issue about a repository')
    .requiredOption('-i, --issue <file>', 'file with the issue, its first line the title; - for standard input')
    .option('-r, --repo <folder>', 'folder with the code', '.')
    .option('-a, --apply', 'apply the best patch to the folder', false)
    .option('-j, --json', 'print the answer as JSON', false)
    .option(
      '-t, --test <command>',
      'try the patches in order, each in a copy of the folder, and propose the first with which this passes',
    )
    .addOption(
      new Option('--test-timeout <seconds>', 'time for one run of the test')
        .default(120)
        .argParser(numberIn(1, 86_400)),
    )
    .addOption(
      new Option('--test-memory <mebibytes>', 'memory of each process of the test')
        .default(4096)
        .argParser(numberIn(16, 2 ** 20)),
    )
    .addOption(
      new Option('-n <count>', 'patches at most, best first (default: 1, with --test 8)').argParser(numberIn(1, 64)),
    )
    .addOption(new Option('--seed <number>', 'seed of random choices').argParser(numberIn(0, 2 ** 32 - 1)))
    .addOption(
      new Option('--temperature <number>', '0: likeliest; higher: more varied').argParser(numberIn(0, 2, false)),
    )
    .addOption(
      new Option(
        '--min-score <number>',
        'patches that score less are held back; 0 shows all (default: ABSTAIN_BELOW of the server, with --test 0)',
      ).argParser(numberIn(0, 1, false)),
    )
    .option('-s, --server <url>', 'ask a running server, with the key of API_KEY, instead of loading the model here')
    .addOption(
      new Option('--max-files <count>', 'files sent to the model at most').default(16).argParser(numberIn(1, 1000)),
    )
    .option('--include-tests', 'look into tests, too', false)
    .addHelpText('after', exitCodesHelp)
    .exitOverride()
    .action(async (options: PatchOptions) => {
      const { stdin, stdout, stderr } = process;
      code = await runPatch(options, { stdin, stdout, stderr, signal: interrupt.signal });
    });

  program.addCommand(agentsCommand((text) => process.stdout.write(text), interrupt.signal).exitOverride());
  program.addCommand(feedbackCommand((text) => process.stdout.write(text)).exitOverride());
  program.addCommand(githubCommand((text) => process.stdout.write(text), interrupt.signal).exitOverride());

  try {
    await program.parseAsync(argv);
    return code;
  } catch (error) {
    if (interrupt.signal.aborted) return exitCode.interrupted;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCode.usage;
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${message}\n`);
    if (error instanceof CommandError) return error.exitCode;
    return error instanceof ConfigError ? exitCode.usage : exitCode.failed;
  }
}

process.exitCode = await main(process.argv);
