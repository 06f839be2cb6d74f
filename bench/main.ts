import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { loadConfig, packageRoot } from '../server/config.js';
import { loadEngine } from '../server/inference/engine.js';
import { startProgress, type Progress } from '../training/evaluation/progress.js';
import { writeJson } from '../training/evaluation/report.js';
import { compare, INPUT, OUTPUT } from './comparison.js';
import { Ours } from './ours.js';
import { renderBench, type BenchReport } from './report.js';
import { knownRequest } from './request.js';
import { defaultGguf, missingForRival, Rival } from './rival.js';
import { serverCosts } from './server-costs.js';

interface Options {
  readonly modelDir: string;
  readonly agentsDir: string;
  readonly threads: number;
  readonly rounds: number;
  readonly gguf: string;
  readonly server: boolean;
  readonly out: string;
}

/** Our and the rival's sequences are at most this long, and this many. */
const RIVAL_CONTEXT = 1024;
const RIVAL_SEQUENCES = 8;
const SWAPS = 400;
/** Measurements of one round. */
const OURS_PER_ROUND = 8;
const RIVALS_PER_ROUND = 5;

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number, at least 1.');
  return value;
}

/** Measures, prints a table, writes JSON. Without the rival it says what is missing, measures our side, and ends with 1. */
async function main(argv: readonly string[]): Promise<number> {
  const config = loadConfig();
  const program = new Command('npm run bench --')
    .description('speed beside llama.cpp in interleaved rounds; start and memory of the server')
    .option('--model-dir <folder>', 'model', config.modelDir)
    .option('--agents-dir <folder>', 'the two agents', config.agentsDir)
    .addOption(new Option('--threads <count>', 'threads of both sides').default(config.threads).argParser(positive))
    .addOption(new Option('--rounds <count>', 'rounds, after one that is not counted').default(7).argParser(positive))
    .option('--gguf <file>', 'SmolLM2-135M as Q8_0', defaultGguf)
    .option('--no-server', 'leave start and memory of the server out')
    .option('--out <file>', 'where the figures go as JSON', join(packageRoot, '.work', 'bench.json'))
    .parse(argv);
  const options = program.opts<Options>();
  const { modelDir, threads, gguf, out } = options;
  if (!existsSync(join(modelDir, 'config.json'))) throw new Error(`There is no model in ${modelDir}.`);
  const missing = missingForRival(gguf);
  if (missing.length > 0) {
    const list = missing.map((what) => `  ${what}\n`).join('');
    process.stderr.write(`The comparison with llama.cpp is left out:\n${list}\n`);
  }
  const rival =
    missing.length === 0
      ? await Rival.start({ gguf, threads, context: RIVAL_CONTEXT, sequences: RIVAL_SEQUENCES })
      : undefined;
  const report = await measure(options, rival).finally(() => rival?.stop());
  await writeJson(out, report);
  process.stdout.write(`${renderBench(report)}\n\nFigures as JSON: ${out}\n`);
  return missing.length === 0 ? 0 : 1;
}

async function measure(options: Options, rival: Rival | undefined): Promise<BenchReport> {
  const { modelDir, agentsDir, threads, rounds: count } = options;
  const { engine, info } = await loadEngine({ modelDir, agentsDir, threads });
  let comparison: Awaited<ReturnType<typeof compare>>;
  let swap: Awaited<ReturnType<Ours['swap']>>;
  let shares: Ours['shares'];
  try {
    const ours = new Ours(engine, await knownRequest(engine.backbone.tokenizer, INPUT));
    const perRound = OURS_PER_ROUND + (rival ? RIVALS_PER_ROUND : 0);
    comparison = await withProgress('measuring', (count + 1) * perRound, (progress) =>
      compare(ours, rival, count, () => {
        progress.tick();
      }),
    );
    swap = await ours.swap(SWAPS);
    ({ shares } = ours);
  } finally {
    engine.syntax?.dispose();
    await engine.backbone.close();
  }
  const server = options.server
    ? await serverCosts({ modelDir, agentsDir, threads }, (what) => {
        if (process.stderr.isTTY) process.stderr.write(`\r\u001b[Kserver: ${what}`);
      })
    : undefined;
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  return {
    machine: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} processors, Node ${process.version}`,
    ...(rival && { rival: rival.systemInfo }),
    model: info,
    input: INPUT,
    output: OUTPUT,
    threads,
    rounds: count,
    lines: comparison.lines,
    shares,
    swap,
    ...(server && { server }),
    raw: comparison.raw,
  };
}

async function withProgress<T>(title: string, total: number, work: (progress: Progress) => Promise<T>): Promise<T> {
  const progress = startProgress(process.stderr, title, total);
  try {
    return await work(progress);
  } finally {
    progress.stop();
  }
}

try {
  process.exitCode = await main(process.argv);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
