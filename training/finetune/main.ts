import path from 'node:path';
import { Command, Option } from 'commander';
import { numberIn } from '../../platform/number-option.js';
import { EXIT, runCommandLine, type Running } from '../command-line.js';
import { finetune } from './finetune.js';
import { AGENT_CHOICES, startsOf, type AgentChoice, type AgentStart } from './options.js';
import { agentToStartFrom } from './new-agent.js';
import { startRunProgress } from './progress.js';
import { renderReport } from './render-report.js';
import type { Settings } from './trainer.js';

const AFTERWARDS = `
Input, JSON lines, oldest first; a line that cannot be used is left out and listed in the report:
  {"issue": {"title", "body"} or text, "files": [{"path", "content"}], "patch": unified diff of one file,
   "analysis"?: {"problem", "type", "loc", "line", "hint"}, "commit"?}      as npm run data -- mine writes them
  {"problem_statement", "patch", "files"?, "instance_id"?}      SWE-bench
  {"messages": [{"role", "content"}]}      a chat: issue and files asked, a diff answered
  {"prompt", "implementation", "specification"?, "group"?}      a Python function: signature and docstring, body, what it is to do
      (for specification and implementation; without a file of theirs in adapters/files they begin as new agents)
  {"source_ids", "analysis_ids", "patch_ids"}      rows that are tokens already (training/pretrain/heldout.py)

Output, in the folder --out: AGENT.safetensors (the candidate; two with --agent both), report.json, report.md with its
pictures, checkpoint.safetensors, memory/ (the encoder's results, reused by later runs: 18 KB a source token at full
size; may be deleted), analyses/ (what the analysis agent wrote, likewise).

--generate asks for a patch of whole files of held-out rows, as a server does (search for the place, both agents): exact match,
what git applies, syntax. It takes two requests a row; rows without files (tokens, functions) are counted, not asked about.

Progress goes to stderr: a bar on a terminal, otherwise JSON lines with train_loss, train_mean_token_accuracy, valid_loss, …
Ctrl-C saves a checkpoint; --resume goes on from it and gives what an uninterrupted run gives, bit for bit.

Exit codes:
  ${EXIT.done}    the candidate is better on the held-out rows (with both agents: each is)
  ${EXIT.failed}    failure
  ${EXIT.usage}    the command line cannot be used
  ${EXIT.notBetter}    trained, but not better by the margin and beyond chance; the report says why
  ${EXIT.interrupted}  interrupted; go on with --resume`;

const ROOT = path.resolve(import.meta.dirname, '../../..');

interface Options extends Settings {
  readonly agent: AgentChoice;
  readonly rows: string;
  readonly heldout?: string;
  readonly out: string;
  readonly from?: string;
  readonly modelDir: string;
  readonly validShare: number;
  readonly heldoutShare: number;
  readonly margin: number;
  readonly threads: number;
  readonly ownAnalyses: number;
  readonly generate: number;
  readonly resume: boolean;
}

function command(running: Running): Command {
  const whole = (flags: string, text: string, fallback: number, minimum = 1): Option =>
    new Option(flags, text).default(fallback).argParser(numberIn(minimum, Number.MAX_SAFE_INTEGER, true));
  const real = (flags: string, text: string, fallback: number, maximum: number): Option =>
    new Option(flags, text).default(fallback).argParser(numberIn(0, maximum, false));
  return new Command('npm run train --')
    .description(
      'Fine-tunes one agent on edits, or both together; the backbone and an agent not named stay as they are.',
    )
    .exitOverride()
    .addOption(
      new Option('--agent <name>', 'which agent; both: one run, updates in a seeded order of the two')
        .choices(AGENT_CHOICES)
        .makeOptionMandatory(),
    )
    .requiredOption('--rows <file>', 'edits to learn from')
    .option('--heldout <file>', 'edits for the report only (default: the last of --rows)')
    .option('--out <folder>', 'where results go', path.join(ROOT, '.work', 'train'))
    .option('--from <path>', 'agent to start from, or the folder it lies in (default: adapters/files)')
    .option('--model-dir <folder>', 'backbone', path.join(ROOT, 'model', 'artifacts'))
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
    .addOption(
      whole(
        '--own-analyses <count>',
        'rows that the code agent reads after an analysis which the analysis agent writes, too',
        0,
        0,
      ),
    )
    .addOption(
      whole(
        '--generate <count>',
        'held-out rows asked about as served, before and after, for the report; 0: none',
        16,
        0,
      ),
    )
    .addOption(whole('--threads <count>', 'threads of one matrix product', 2))
    .addOption(whole('--seed <number>', 'of the order of rows and of the intervals', 0, 0))
    .option('--resume', 'go on from the checkpoint in --out', false)
    .addHelpText('after', AFTERWARDS)
    .action((options: Options, program: Command) => {
      if (options.ownAnalyses > 0 && options.agent !== 'code-generation' && options.agent !== 'both') {
        program.error('error: --own-analyses is for the agent that reads analyses: code-generation, or both');
      }
      return run(options, running);
    });
}

async function run(options: Options, { signal, exitWith }: Running): Promise<void> {
  const progress = startRunProgress(process.stderr);
  try {
    const { validShare, heldoutShare, heldout, rows, modelDir, out, threads, ownAnalyses, generate, resume, margin } =
      options;
    const report = await finetune({
      agents: await startsFor(options),
      rows,
      heldOut: heldout,
      shares: { valid: validShare, heldOut: heldoutShare },
      modelDir,
      work: out,
      threads,
      ownAnalyses,
      generate,
      settings: settingsOf(options),
      resume,
      margin,
      onRead: (done, total) => {
        progress.read(done, total);
      },
      onEncoded: (done, total) => {
        progress.encoded(done, total);
      },
      onOwnAnalysis: (done, total) => {
        progress.ownAnalysis(done, total);
      },
      onLift: (done, total) => {
        progress.lift(done, total);
      },
      onGenerated: (done, total) => {
        progress.generated(done, total);
      },
      onReport: (step) => {
        progress.report(step);
      },
      signal,
    });
    progress.stop();
    const candidates = report.agents.map(({ file }) => `Candidate: ${file}\n`);
    process.stdout.write(`${renderReport(report, [])}\n${candidates.join('')}`);
    if (!report.agents.every(({ gate }) => gate.publishable)) exitWith(EXIT.notBetter);
  } finally {
    progress.stop();
  }
}

/** The agents with the files they begin with: those of --from, else of adapters/files, else new ones. */
async function startsFor({ agent, from, ...options }: Options): Promise<AgentStart[]> {
  const folder = path.join(ROOT, 'adapters', 'files');
  if (from !== undefined) return startsOf(agent, from);
  const starts: AgentStart[] = [];
  for (const start of startsOf(agent, folder)) {
    starts.push({ ...start, from: await agentToStartFrom(folder, { ...options, agent: start.agent }) });
  }
  return starts;
}

function settingsOf(options: Options): Settings {
  const { epochs, batch, microBatch, learningRate, warmupSteps, weightDecay, clipNorm, patience, seed } = options;
  return { epochs, batch, microBatch, learningRate, warmupSteps, weightDecay, clipNorm, patience, seed };
}

process.exitCode = await runCommandLine(process.argv, command);
