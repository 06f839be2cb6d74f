import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Command } from 'commander';
import { EXIT, runCommandLine, type Running } from '../command-line.js';
import { startProgress, type Progress } from '../evaluation/progress.js';
import { mine } from './mine.js';
import { readSweBench, SWE_BENCH_PARTS, writeSweBench } from './swe-bench.js';
import { droppedFile, type MiningSummary } from './mined-rows.js';

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

function command({ signal }: Running): Command {
  const program = new Command('npm run data --').description('Makes training rows.').exitOverride();
  program
    .command('mine')
    .description('Makes training rows from the history of git repositories, oldest first.')
    .argument('<repository...>', 'folders of repositories; what is before HEAD is mined')
    .requiredOption('--out <file>', 'where the rows go, JSON lines')
    .addHelpText('after', AFTERWARDS)
    .exitOverride()
    .action((repositories: string[], { out }: { out: string }) => mineInto(repositories, out, signal));
  program
    .command('swe-bench')
    .description(
      "Makes training rows of SWE-bench's rows: train.jsonl, adapt.jsonl and test.jsonl, as the seed splits them.",
    )
    .requiredOption('--split <file>', 'JSON: [{instance_id, split}]')
    .requiredOption('--raw <file>', 'JSON lines, or the same compressed by xz: {instance_id, problem_statement, patch}')
    .requiredOption('--out <folder>', 'where the rows go')
    .exitOverride()
    .action(splitSweBench);
  return program;
}

async function splitSweBench({ split, raw, out }: { split: string; raw: string; out: string }): Promise<void> {
  const parts = await readSweBench(split, raw);
  await mkdir(out, { recursive: true });
  for (const part of SWE_BENCH_PARTS) {
    const file = path.join(out, `${part}.jsonl`);
    await writeSweBench(file, parts[part]);
    process.stdout.write(`${parts[part].length} rows: ${file}\n`);
  }
}

async function mineInto(repositories: readonly string[], out: string, signal: AbortSignal): Promise<void> {
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
      signal,
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

process.exitCode = await runCommandLine(process.argv, command);
