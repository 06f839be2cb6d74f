import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Command } from 'commander';
import { ModelError } from '../../model/errors.js';
import { startProgress, type Progress } from '../evaluation/progress.js';
import { TrainingError } from '../finetune/errors.js';
import { mine } from './mine.js';
import { droppedFile, type MiningSummary } from './mined-rows.js';

/** Exit codes, as --help lists them. */
const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

const AFTERWARDS = `
Small edits of one source file become rows {issue, files, patch, repository, commit, time}, as npm run train -- --rows
takes them; the commit's message stands in for the issue. Left out, and listed with the reason in ….dropped.jsonl
beside the rows: merges, bots, upkeep, large commits, and edits of tests, documents, comments, layout or imports only.

Ctrl-C or a kill loses at most a hundred commits of work: the same command goes on.

Exit codes:
  ${EXIT.done}    done
  ${EXIT.failed}    failure
  ${EXIT.usage}    the command line cannot be used
  ${EXIT.interrupted}  interrupted`;

function command(run: (repositories: readonly string[], out: string) => Promise<void>): Command {
  const program = new Command('npm run data --').description('Makes training rows.').exitOverride();
  program
    .command('mine')
    .description('Makes training rows from the history of git repositories, oldest first.')
    .argument('<repository...>', 'folders of repositories; what is before HEAD is mined')
    .requiredOption('--out <file>', 'where the rows go, JSON lines')
    .addHelpText('after', AFTERWARDS)
    .exitOverride()
    .action((repositories: string[], { out }: { out: string }) => run(repositories, out));
  return program;
}

async function mineInto(repositories: readonly string[], out: string): Promise<void> {
  const interrupt = new AbortController();
  process.once('SIGINT', () => {
    interrupt.abort(new Error('Interrupted.'));
  });
  await mkdir(path.dirname(path.resolve(out)), { recursive: true });
  let progress: Progress | undefined;
  try {
    const summary = await mine({
      repositories,
      out,
      onPart: (done, total) => {
        progress ??= startProgress(process.stderr, 'hundreds of commits', total);
        if (done > 0) progress.tick();
      },
      signal: interrupt.signal,
    });
    progress?.stop();
    process.stdout.write(textOf(summary, out));
  } finally {
    progress?.stop();
  }
}

function textOf({ rows, dropped, from, to }: MiningSummary, out: string): string {
  const reasons = [...dropped].sort(([, a], [, b]) => b - a).map(([reason, count]) => `  ${reason}: ${count}\n`);
  const period = rows === 0 ? '' : `, from ${from} to ${to}`;
  return `${rows} rows${period}: ${out}\nLeft out (${droppedFile(out)}):\n${reasons.join('')}`;
}

/** Runs the command line and returns the exit code. */
async function main(argv: readonly string[]): Promise<number> {
  try {
    await command(mineInto).parseAsync(argv);
    return EXIT.done;
  } catch (error) {
    if (error instanceof TrainingError || error instanceof ModelError) {
      process.stderr.write(`${error.code}: ${error.message}\n`);
      return error.code === 'aborted' ? EXIT.interrupted : EXIT.failed;
    }
    const exitCode = (error as { exitCode?: number }).exitCode;
    if (exitCode === undefined) throw error;
    return exitCode === 0 ? EXIT.done : EXIT.usage;
  }
}

process.exitCode = await main(process.argv);
