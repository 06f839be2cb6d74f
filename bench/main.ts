import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig, packageRoot } from '../server/config.js';
import { agentFilesIn, loadEngine } from '../server/inference/engine.js';
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
  /** Measure start and memory of the server, too. */
  readonly server: boolean;
  readonly out: string;
}

const USAGE = `npm run bench -- [options]: speed beside llama.cpp in interleaved rounds; start and memory of the server
  --model-dir FOLDER   model (MODEL_DIR)
  --agents-dir FOLDER  the two agents (AGENTS_DIR)
  --threads N          threads of both sides (THREADS)
  --rounds N           rounds, after one that is not counted (7)
  --gguf FILE          SmolLM2-135M as Q8_0 (.work/bench/smollm2-135m-q8_0.gguf)
  --no-server          leave start and memory of the server out
  --out FILE           where the figures go as JSON (.work/bench.json)
`;

/** Our and the rival's sequences are at most this long, and this many. */
const RIVAL_CONTEXT = 1024;
const RIVAL_SEQUENCES = 8;
const SWAPS = 400;
/** Measurements of one round. */
const OURS_PER_ROUND = 10;
const RIVALS_PER_ROUND = 5;

function readOptions(args: readonly string[]): Options | undefined {
  const config = loadConfig();
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      'model-dir': text,
      'agents-dir': text,
      threads: text,
      rounds: text,
      gguf: text,
      'no-server': { type: 'boolean' },
      out: text,
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return undefined;
  return {
    modelDir: resolve(values['model-dir'] ?? config.modelDir),
    agentsDir: resolve(values['agents-dir'] ?? config.agentsDir),
    threads: positive('threads', values.threads, config.threads),
    rounds: positive('rounds', values.rounds, 7),
    gguf: values.gguf ?? defaultGguf,
    server: values['no-server'] !== true,
    out: values.out ?? join(packageRoot, '.work', 'bench.json'),
  };
}

function positive(name: string, text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} must be a whole number, at least 1.`);
  return value;
}

/** Measures, prints a table, writes JSON. Without the rival it says what is missing, measures our side, and ends with 1. */
async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (!options) {
    process.stdout.write(USAGE);
    return 0;
  }
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
  const { engine, info } = await loadEngine({ modelDir, agents: agentFilesIn(agentsDir), threads });
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
    search: comparison.search,
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
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
