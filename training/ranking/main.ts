import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { writeFileAtomic } from '../../platform/atomic-file.js';
import { wholeOption } from '../../platform/number-option.js';
import { packageRoot } from '../../server/config.js';
import { writeJson } from '../evaluation/report.js';
import { renderSvg } from '../plot/render.js';
import { fitRanking } from './fit.js';
import type { JudgedRow } from './judged.js';
import { fitPlot, renderFit } from './render.js';

interface Options {
  readonly right: number;
  readonly seed: number;
  readonly force: boolean;
  readonly weights: string;
  readonly out: string;
}

/** Fits the ranking on reports; writes the weights if they beat the formula. */
async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('npm run fit-ranking --')
    .description('a ranking learned from the candidates in reports of npm run evaluate and npm run benchmark')
    .argument('<reports...>', 'JSON files; rows must be held out from all training')
    .option(
      '--right <share>',
      'share of answers that should be right, for the advice on ABSTAIN_BELOW',
      shareOption,
      0.5,
    )
    .addOption(wholeOption('--seed <number>', 'draws folds and intervals', 0))
    .option('--force', 'write the learned ranking whatever the comparison says', false)
    .option('--weights <file>', 'the weights that are served', join(packageRoot, 'pipeline', 'ranking-weights.json'))
    .option(
      '--out <file>',
      'where the figures go as JSON; the plot goes beside it',
      join(packageRoot, '.work', 'ranking.json'),
    )
    .parse(argv);
  const { right, seed, force, weights, out } = program.opts<Options>();
  const rows = (await Promise.all(program.args.map(readRows))).flat();
  const fit = fitRanking(rows, { seed, wantedRight: right, force });
  await writeJson(out, fit);
  const plot = `${out.replace(/\.json$/, '')}.svg`;
  await writeFileAtomic(plot, await renderSvg(fitPlot(fit)));
  process.stdout.write(`${renderFit(fit)}\n\nFigures as JSON: ${out}\nPlot: ${plot}\n`);
  if (fit.winner === 'formula' && !force) {
    process.stdout.write('Nothing beats the formula, so its weights stay as they are.\n');
    return;
  }
  await writeFileAtomic(weights, `${JSON.stringify(fit.weights, null, 2)}\n`);
  process.stdout.write(`Weights of the ${force ? 'learned ranking (forced)' : fit.winner}: ${weights}\n`);
}

async function readRows(file: string): Promise<readonly JudgedRow[]> {
  const { ranking } = JSON.parse(await readFile(file, 'utf8')) as { readonly ranking?: readonly JudgedRow[] };
  if (!ranking)
    throw new Error(`${file} holds no candidates: it is no report of npm run evaluate or npm run benchmark.`);
  return ranking;
}

function shareOption(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('It must be above 0 and at most 1.');
  return value;
}

try {
  await main(process.argv);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
