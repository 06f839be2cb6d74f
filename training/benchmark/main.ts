import { existsSync } from 'node:fs';
import { writeFileAtomic } from '../../platform/atomic-file.js';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { canIsolate } from '../../cli/limited-process.js';
import { loadConfig, packageRoot } from '../../server/config.js';
import { agentFilesIn, loadEngine } from '../../server/inference/engine.js';
import { writeJson } from '../evaluation/report.js';
import { hasPython, judgeName } from '../evaluation/row-trial.js';
import { wholeOption } from '../../platform/number-option.js';
import { runBenchmark } from './benchmark.js';
import { readOverlap } from './overlap.js';
import { beside, passPanel, reliabilityPanel } from '../plot/figures.js';
import { renderSvg } from '../plot/render.js';
import { renderBenchmark } from './report.js';
import { draw, readCases, readHumanEval } from './tasks.js';

interface Options {
  readonly bugs: string;
  readonly count: number;
  readonly candidates: number;
  readonly seed: number;
  readonly out: string;
}

/** Benchmarks the model that is served; prints tables, and writes the figures and a plot. */
async function main(argv: readonly string[]): Promise<void> {
  const { modelDir, agentsDir, threads, abstainBelow } = loadConfig();
  const folder = join(packageRoot, '.work', 'benchmark');
  const program = new Command('npm run benchmark --')
    .description('repairs of HumanEval with injected bugs and of test/cases, judged by their tests')
    .option('--bugs <file>', 'bugs that prepare.py made', join(folder, 'humaneval.jsonl'))
    .addOption(wholeOption('--count <count>', 'bugs of HumanEval drawn', 1000))
    .addOption(wholeOption('--candidates <count>', 'candidates of each bug', 20, 1))
    .addOption(wholeOption('--seed <number>', 'draws bugs and intervals, and is the seed of each request', 0))
    .option('--out <file>', 'where the figures go as JSON; the plot goes beside it', join(folder, 'report.json'))
    .parse(argv);
  const { bugs, count, candidates, seed, out } = program.opts<Options>();
  if (!existsSync(join(modelDir, 'config.json'))) throw new Error(`There is no model in ${modelDir}.`);
  // Without it no test could pass, and every candidate would look wrong.
  if (!hasPython()) throw new Error('The tests need python3, which cannot be run.');
  const hasBugs = existsSync(bugs);
  if (!hasBugs) {
    process.stderr.write(
      `There is no ${bugs}, so only the cases are tried. training/benchmark/README.md says how it is made.\n`,
    );
  }
  const overlap = await readOverlap(join(dirname(bugs), 'overlap.json'));
  const humaneval = hasBugs ? draw(await readHumanEval(bugs), count, seed) : [];
  const loaded = await loadEngine({ modelDir, agents: agentFilesIn(agentsDir), threads });
  try {
    const report = await runBenchmark(loaded, {
      humaneval,
      cases: await readCases(),
      wanted: candidates,
      seed,
      threshold: abstainBelow,
      ...(overlap && { overlap }),
      settings: {
        model_dir: modelDir,
        agents_dir: agentsDir,
        bugs: hasBugs ? bugs : null,
        candidates,
        threads,
        seed,
        syntax_judge: judgeName(),
        isolated: canIsolate(),
      },
      stream: process.stderr,
    });
    await writeJson(out, report);
    process.stdout.write(`${renderBenchmark(report)}\n\nFigures as JSON: ${out}\n`);
    if (report.humaneval) {
      const plot = `${out.replace(/\.json$/, '')}.svg`;
      const { pass_curve, calibration } = report.humaneval;
      const panels = [passPanel(pass_curve), reliabilityPanel('Reliability of the score', calibration?.bins ?? [])];
      await writeFileAtomic(plot, await renderSvg(beside('HumanEval-repair', panels)));
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
