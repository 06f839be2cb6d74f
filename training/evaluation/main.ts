import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { loadConfig, packageRoot } from '../../server/config.js';
import { agentFilesIn, loadEngine } from '../../server/inference/engine.js';
import { evaluate } from './evaluate.js';
import { readHeldOut } from './held-out.js';
import { renderReport, writeJson } from './report.js';
import { judgeName } from './row-trial.js';
import { wholeOption } from '../../platform/number-option.js';

interface Options {
  readonly heldout: string;
  readonly rows: number;
  readonly modelDir: string;
  readonly agentsDir: string;
  readonly threads: number;
  readonly patches: number;
  readonly patchesOfRows: boolean;
  readonly seed: number;
  readonly out: string;
}

/** Evaluates the model that is served, prints a table and writes the figures beside it. */
async function main(argv: readonly string[]): Promise<void> {
  const config = loadConfig();
  const program = new Command('npm run evaluate --')
    .description('figures of the served model on held-out edits and on the cases of test/cases')
    .option('--heldout <file>', 'held-out edits, JSON lines', join(packageRoot, '.work', 'heldout.jsonl'))
    .addOption(wholeOption('--rows <count>', 'held-out edits drawn, half of each kind', 200))
    .option('--model-dir <folder>', 'model', config.modelDir)
    .option('--agents-dir <folder>', 'the two agents', config.agentsDir)
    .addOption(wholeOption('--threads <count>', 'threads of one matrix product', config.threads, 1))
    .addOption(wholeOption('--patches <count>', 'patches wanted where several are', 5, 2))
    .option('--patches-of-rows', 'want several patches of held-out edits, too (twice the time)', false)
    .addOption(wholeOption('--seed <number>', 'draws rows and intervals, and is the seed of each request', 0))
    .option('--out <file>', 'where the figures go as JSON', join(packageRoot, '.work', 'evaluation.json'))
    .parse(argv);
  const options = program.opts<Options>();
  const { heldout, rows: count, modelDir, agentsDir, threads, seed, out } = options;
  if (!existsSync(join(modelDir, 'config.json'))) throw new Error(`There is no model in ${modelDir}.`);
  const hasRows = existsSync(heldout);
  if (!hasRows) {
    process.stderr.write(
      `There is no ${heldout}, so only the cases are evaluated. Mined edits are never committed; training/pretrain/README.md ` +
        'says how to make them (mine.py, then heldout.py).\n',
    );
  }
  const rows = hasRows ? await readHeldOut(heldout, count, seed) : [];
  const loaded = await loadEngine({ modelDir, agents: agentFilesIn(agentsDir), threads });
  try {
    const report = await evaluate(loaded, {
      rows,
      seed,
      several: options.patches,
      severalOfRows: options.patchesOfRows,
      settings: {
        model_dir: modelDir,
        agents_dir: agentsDir,
        heldout: hasRows ? heldout : null,
        threads,
        seed,
        syntax_judge: judgeName(),
      },
      stream: process.stderr,
    });
    await writeJson(out, report);
    process.stdout.write(`${renderReport(report)}\n\nFigures as JSON: ${out}\n`);
  } finally {
    loaded.engine.syntax?.dispose();
    await loaded.engine.backbone.close();
  }
}

try {
  await main(process.argv);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
