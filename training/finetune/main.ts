import path from 'node:path';
import { Command, Option } from 'commander';
import { AGENT_NAMES, type AgentName } from '../../agents/names.js';
import { AgentError } from '../../adapters/errors.js';
import { ModelError } from '../../model/errors.js';
import { numberIn } from '../../platform/number-option.js';
import { TrainingError } from './errors.js';
import { finetune } from './finetune.js';
import { agentToStartFrom } from './new-agent.js';
import { startRunProgress } from './progress.js';
import { renderReport } from './report.js';
import type { Settings } from './trainer.js';

/** Exit codes, as --help lists them. */
const EXIT = { better: 0, failed: 1, usage: 2, notBetter: 3, interrupted: 130 } as const;

const AFTERWARDS = `
Input, JSON lines, oldest first; a line that cannot be used is left out and listed in the report:
  {"issue": {"title", "body"} or text, "files": [{"path", "content"}], "patch": unified diff of one file,
   "analysis"?: {"problem", "type", "loc", "line", "hint"}, "commit"?}      as npm run data -- mine writes them
  {"problem_statement", "patch", "files"?, "instance_id"?}      SWE-bench
  {"messages": [{"role", "content"}]}      a chat: issue and files asked, a diff answered
  {"prompt", "implementation", "specification"?, "group"?}      a Python function: signature and docstring, body, what it is to do
      (for specification and implementation; without a file of theirs in adapters/files they begin as new agents)
  {"source_ids", "analysis_ids", "patch_ids"}      rows that are tokens already (training/pretrain/heldout.py)

Output, in the folder --out: AGENT.safetensors (the candidate), report.json, report.md, checkpoint.safetensors, memory/
(the encoder's results, reused by later runs: 18 KB a source token at full size; may be deleted).

Progress goes to stderr: a bar on a terminal, otherwise JSON lines with train_loss, train_mean_token_accuracy, valid_loss, …
Ctrl-C saves a checkpoint; --resume goes on from it and gives what an uninterrupted run gives, bit for bit.

Exit codes:
  ${EXIT.better}    the candidate is better on the held-out rows
  ${EXIT.failed}    failure
  ${EXIT.usage}    the command line cannot be used
  ${EXIT.notBetter}    trained, but not better by the margin and beyond chance; the report says why
  ${EXIT.interrupted}  interrupted; go on with --resume`;

interface Options extends Settings {
  readonly agent: AgentName;
  readonly rows: string;
  readonly heldout?: string;
  readonly out: string;
  readonly from?: string;
  readonly modelDir: string;
  readonly validShare: number;
  readonly heldoutShare: number;
  readonly margin: number;
  readonly threads: number;
  readonly resume: boolean;
}

function command(): Command {
  const root = path.resolve(import.meta.dirname, '../../..');
  const whole = (flags: string, text: string, fallback: number, minimum = 1): Option =>
    new Option(flags, text).default(fallback).argParser(numberIn(minimum, Number.MAX_SAFE_INTEGER, true));
  const real = (flags: string, text: string, fallback: number, maximum: number): Option =>
    new Option(flags, text).default(fallback).argParser(numberIn(0, maximum, false));
  return new Command('npm run train --')
    .description('Fine-tunes one agent on edits; the backbone and the other agent stay as they are.')
    .exitOverride()
    .addOption(new Option('--agent <name>', 'which agent').choices(AGENT_NAMES).makeOptionMandatory())
    .requiredOption('--rows <file>', 'edits to learn from')
    .option('--heldout <file>', 'edits for the report only (default: the last of --rows)')
    .option('--out <folder>', 'where results go', path.join(root, '.work', 'train'))
    .option('--from <file>', 'agent to start from (default: that of adapters/files)')
    .option('--model-dir <folder>', 'backbone', path.join(root, 'model', 'artifacts'))
    .addOption(whole('--epochs <count>', 'times every row is seen at most', 10))
    .addOption(whole('--batch <count>', 'sequences of one update', 8))
    .addOption(whole('--micro-batch <count>', 'sequences computed at a time: less memory, same update', 4))
    .addOption(real('--learning-rate <rate>', 'highest learning rate of AdamW', 3e-4, 1))
    .addOption(whole('--warmup-steps <count>', 'updates until it is reached; then half a cosine down to 0', 10, 0))
    .addOption(real('--weight-decay <rate>', 'of AdamW', 0.01, 1))
    .addOption(real('--clip-norm <norm>', 'largest norm of the gradient', 1, 1e6))
    .addOption(whole('--patience <count>', 'epochs without better validation before stopping; the best is kept', 3))
    .addOption(real('--valid-share <share>', 'share of the rows that validates', 0.1, 0.9))
    .addOption(real('--heldout-share <share>', 'share of the rows held out, without --heldout', 0.1, 0.9))
    .addOption(real('--margin <percent>', 'least improvement of the held-out cross-entropy to be publishable', 1, 100))
    .addOption(whole('--threads <count>', 'threads of one matrix product', 2))
    .addOption(whole('--seed <number>', 'of the order of rows and of the intervals', 0, 0))
    .option('--resume', 'go on from the checkpoint in --out', false)
    .addHelpText('after', AFTERWARDS);
}

/** Runs the command line and returns the exit code. */
async function main(argv: readonly string[]): Promise<number> {
  const program = command();
  try {
    program.parse(argv);
  } catch (error) {
    return (error as { exitCode?: number }).exitCode === 0 ? EXIT.better : EXIT.usage;
  }
  const options = program.opts<Options>();
  const root = path.resolve(import.meta.dirname, '../../..');
  const interrupt = new AbortController();
  process.once('SIGINT', () => {
    interrupt.abort(new Error('Interrupted.'));
  });
  const progress = startRunProgress(process.stderr);
  try {
    const { validShare, heldoutShare, heldout, rows, agent, modelDir, out, threads, resume, margin } = options;
    const report = await finetune({
      agent,
      rows,
      heldOut: heldout,
      shares: { valid: validShare, heldOut: heldoutShare },
      modelDir,
      from: options.from ?? (await agentToStartFrom(path.join(root, 'adapters', 'files'), options)),
      work: out,
      threads,
      settings: settingsOf(options),
      resume,
      margin,
      onRead: (done, total) => {
        progress.read(done, total);
      },
      onEncoded: (done, total) => {
        progress.encoded(done, total);
      },
      onLift: (done, total) => {
        progress.lift(done, total);
      },
      onReport: (step) => {
        progress.report(step);
      },
      signal: interrupt.signal,
    });
    progress.stop();
    process.stdout.write(`${renderReport(report)}\nCandidate: ${report.file}\n`);
    return report.gate.publishable ? EXIT.better : EXIT.notBetter;
  } catch (error) {
    progress.stop();
    const isKnown = error instanceof TrainingError || error instanceof ModelError || error instanceof AgentError;
    if (!isKnown) throw error;
    process.stderr.write(`${error.code}: ${error.message}\n`);
    return error.code === 'aborted' ? EXIT.interrupted : EXIT.failed;
  }
}

function settingsOf(options: Options): Settings {
  const { epochs, batch, microBatch, learningRate, warmupSteps, weightDecay, clipNorm, patience, seed } = options;
  return { epochs, batch, microBatch, learningRate, warmupSteps, weightDecay, clipNorm, patience, seed };
}

process.exitCode = await main(process.argv);
