import { existsSync } from 'node:fs';
import path from 'node:path';
import { Argument, Command, InvalidArgumentError } from 'commander';
import { AgentError } from '../../adapters/errors.js';
import { readConfig } from '../../model/config.js';
import { ModelError } from '../../model/errors.js';
import { wholeOption } from '../../platform/number-option.js';
import { TrainingError } from '../finetune/errors.js';
import { UnitCache } from './cache.js';
import type { Experiment, ExperimentContext, RowsFile } from './experiment.js';
import { writeResult } from './output.js';
import { startExperimentProgress } from './progress.js';
import { writeQuickRows } from './quick-rows.js';
import { EXPERIMENTS } from './registry.js';

/** Exit codes, as --help lists them. */
const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

const ROOT = path.resolve(import.meta.dirname, '../../..');
const DEFAULT_REPOSITORIES = ['click', 'black', 'aiohttp'];

const AFTERWARDS = `
Experiments, in the order of "all":
${EXPERIMENTS.map(({ name, title }) => `  ${name.padEnd(12)}${title}`).join('\n')}

Rows: edits of at least three repositories, by default .work/rows/{${DEFAULT_REPOSITORIES.join(',')}}.jsonl, which are made by
  npm run data -- mine CLONE --out .work/rows/NAME.jsonl
and the seed's rows of SWE-bench with their split (--swe-bench). None of them is part of the repository.

Output, in the folder --out: for each experiment results.json, failed.json, tables as LaTeX, plots as SVG, samples/; cache/ holds
the finished units of work, by which a killed run goes on, and may be deleted, and so may memory/ (the encoder's results).
The document (--document) gets each experiment's section.

Exit codes:
  ${EXIT.done}    all done
  ${EXIT.failed}    an experiment failed; the others have been run
  ${EXIT.usage}    the command line cannot be used
  ${EXIT.interrupted}  interrupted; the same command goes on`;

interface Options {
  readonly quick: boolean;
  readonly seeds: number;
  readonly rows?: readonly RowsFile[];
  readonly sweBench: string;
  readonly modelDir?: string;
  readonly agentsDir?: string;
  readonly out?: string;
  readonly document?: string;
  readonly threads: number;
}

function rowsFile(text: string, previous: readonly RowsFile[] | undefined): RowsFile[] {
  const [, name, file] = /^([a-z0-9-]+)=(.+)$/i.exec(text) ?? [];
  if (name === undefined || file === undefined) throw new InvalidArgumentError('It must be NAME=FILE.');
  return [...(previous ?? []), { name, file }];
}

function command(): Command {
  return new Command('npm run experiments --')
    .description('Runs the experiments on a CPU and writes what they found into a document.')
    .exitOverride()
    .addArgument(new Argument('<experiment>', 'which one').choices([...EXPERIMENTS.map(({ name }) => name), 'all']))
    .option('--quick', 'the tiny model on made-up rows: shows that everything runs, in seconds', false)
    .addOption(wholeOption('--seeds <count>', 'seeds of what is trained', 1, 1))
    .option('--rows <name=file>', 'edits of a repository; again for each', rowsFile)
    .option('--swe-bench <file>', 'the rows of SWE-bench', path.join(ROOT, '../shared/data/swe-bench/rows.json'))
    .option('--model-dir <folder>', 'backbone (default: model/artifacts)')
    .option('--agents-dir <folder>', 'the agents to begin with (default: adapters/files)')
    .option('--out <folder>', 'where results go (default: .work/experiments)')
    .option('--document <file>', 'the document (default: docs/experiments.md; with --quick experiments.md in --out)')
    .addOption(wholeOption('--threads <count>', 'threads of one matrix product', 2, 1))
    .addHelpText('after', AFTERWARDS);
}

/** Runs the command line and returns the exit code. */
async function main(argv: readonly string[]): Promise<number> {
  const program = command();
  try {
    program.parse(argv);
  } catch (error) {
    return (error as { exitCode?: number }).exitCode === 0 ? EXIT.done : EXIT.usage;
  }
  const options = program.opts<Options>();
  const wanted = program.args[0]!;
  const chosen = EXPERIMENTS.filter(({ name }) => wanted === 'all' || wanted === name);
  const interrupt = new AbortController();
  process.once('SIGINT', () => {
    interrupt.abort(new Error('Interrupted.'));
  });
  let code: number = EXIT.done;
  for (const experiment of chosen) {
    try {
      await runExperiment(experiment, options, interrupt.signal);
    } catch (error) {
      const isKnown = error instanceof TrainingError || error instanceof ModelError || error instanceof AgentError;
      if (!isKnown) throw error;
      process.stderr.write(
        `${JSON.stringify({ experiment: experiment.name, error: error.code, message: error.message })}\n`,
      );
      if (error.code === 'aborted') return EXIT.interrupted;
      code = EXIT.failed;
    }
  }
  return code;
}

/** Whether a word of the command line says which experiment: a section names its own. */
function isName(word: string): boolean {
  return word === 'all' || EXPERIMENTS.some(({ name }) => name === word);
}

async function runExperiment(experiment: Experiment, options: Options, signal: AbortSignal): Promise<void> {
  const { quick, seeds, threads } = options;
  const out = path.resolve(options.out ?? path.join(ROOT, '.work', quick ? 'experiments-quick' : 'experiments'));
  const tiny = path.join(ROOT, 'test/fixtures/tiny');
  const directory = options.modelDir ?? (quick ? tiny : path.join(ROOT, 'model/artifacts'));
  const agentsDir = options.agentsDir ?? (quick ? tiny : path.join(ROOT, 'adapters/files'));
  const config = await readConfig(directory);
  const made = quick ? await writeQuickRows(path.join(out, 'rows')) : undefined;
  const progress = startExperimentProgress(process.stderr, experiment.name);
  const base = [experiment.name, experiment.version, config.fingerprint];
  const cache = new UnitCache(path.join(out, 'cache'), base, progress, signal);
  const context: ExperimentContext = {
    quick,
    seeds: Array.from({ length: seeds }, (_, seed) => seed),
    model: { directory, config, threads, agentFile: (agent) => path.join(agentsDir, `${agent}.safetensors`) },
    get rows() {
      return made?.rows ?? rowsOf(options);
    },
    sweBench: made?.sweBench ?? options.sweBench,
    memory: path.join(out, 'memory'),
    signal,
    plan: (units) => {
      progress.plan(units);
    },
    unit: (name, inputs, work) => cache.unit(name, inputs, work),
  };
  try {
    const result = await experiment.run(context);
    const folder = path.join(out, experiment.name);
    const document =
      options.document ?? (quick ? path.join(out, 'experiments.md') : path.join(ROOT, 'docs/experiments.md'));
    const provenance = {
      command: [
        'npm run experiments --',
        experiment.name,
        ...process.argv.slice(2).filter((word) => !isName(word)),
      ].join(' '),
      hash: cache.hash,
      model: config.name,
      fingerprint: config.fingerprint,
    };
    await writeResult(experiment, result, provenance, { folder, document });
    progress.stop();
    process.stdout.write(`${experiment.name}: ${folder}; section in ${document}\n`);
  } finally {
    progress.stop();
  }
}

/** The files of rows, which must be there. Throws `TrainingError` (`rows_unreadable`). */
function rowsOf({ rows }: Options): readonly RowsFile[] {
  const files =
    rows ?? DEFAULT_REPOSITORIES.map((name) => ({ name, file: path.join(ROOT, '.work/rows', `${name}.jsonl`) }));
  for (const { name, file } of files) {
    if (existsSync(file)) continue;
    throw new TrainingError(
      'rows_unreadable',
      `There are no rows of ${name} in ${file}; npm run data -- mine makes them, --rows ${name}=FILE names others.`,
    );
  }
  return files;
}

process.exitCode = await main(process.argv);
