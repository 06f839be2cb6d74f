import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { loadConfig, packageRoot } from '../../server/config.js';
import { agentFilesIn, loadEngine } from '../../server/inference/engine.js';
import { evaluate } from './evaluate.js';
import { heldOutOfEdit } from './edit-row.js';
import { readHeldOut } from './held-out.js';
import { renderReport, writeJson } from './report.js';
import { judgeName } from './row-trial.js';
import { writeFileAtomic } from '../../platform/atomic-file.js';
import { wholeOption } from '../../platform/number-option.js';
import { beside, reliabilityPanel } from '../plot/figures.js';
import { renderSvg } from '../plot/render.js';

interface Options {
  readonly heldout: string;
  readonly rows: number;
  readonly modelDir: string;
  readonly agentsDir: string;
  readonly threads: number;
  readonly patches: number;
  readonly patchesOfRows: boolean;
  readonly candidatesOnly: boolean;
  readonly seed: number;
  readonly out: string;
}

/** Evaluates the model that is served, prints a table and writes the figures beside it. */
async function main(argv: readonly string[]): Promise<void> {
  const served = loadConfig();
  const program = new Command('npm run evaluate --')
    .description('figures of the served model on held-out edits and on the cases of test/cases')
    .option(
      '--heldout <file>',
      'held-out edits, JSON lines: tokens, or any format of npm run train -- --rows',
      join(packageRoot, '.work', 'heldout.jsonl'),
    )
    .addOption(wholeOption('--rows <count>', 'held-out edits drawn, half of each kind', 200))
    .option('--model-dir <folder>', 'model', served.modelDir)
    .option('--agents-dir <folder>', 'the two agents', served.agentsDir)
    .addOption(wholeOption('--threads <count>', 'threads of one matrix product', served.threads, 1))
    .addOption(wholeOption('--patches <count>', 'patches wanted where several are', 5, 2))
    .option('--patches-of-rows', 'want several patches of held-out edits, too (twice the time)', false)
    .option('--candidates-only', 'nothing but several patches of held-out edits, for npm run fit-ranking', false)
    .addOption(wholeOption('--seed <number>', 'draws rows and intervals, and is the seed of each request', 0))
    .option(
      '--out <file>',
      'where the figures go as JSON; the plot goes beside it',
      join(packageRoot, '.work', 'evaluation.json'),
    )
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
  const loaded = await loadEngine({ modelDir, agents: agentFilesIn(agentsDir), threads });
  try {
    const { config, tokenizer } = loaded.engine.backbone;
    const rowOf = (value: unknown) => heldOutOfEdit(value, config, tokenizer);
    const rows = hasRows ? await readHeldOut(heldout, count, seed, rowOf) : [];
    const report = await evaluate(loaded, {
      rows,
      seed,
      several: options.patches,
      severalOfRows: options.patchesOfRows,
      candidatesOnly: options.candidatesOnly,
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
    const figures = report.held_out?.pipeline ?? report.held_out?.pipeline_several;
    if (figures?.calibration) {
      const plot = `${out.replace(/\.json$/, '')}.svg`;
      const panel = reliabilityPanel('Exact match of the first patch', figures.calibration.bins);
      await writeFileAtomic(plot, await renderSvg(beside('Reliability of the score', [panel])));
      process.stdout.write(`Plot: ${plot}\n`);
    }
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
