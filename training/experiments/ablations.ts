import { bareAgent, loadAgent } from '../../adapters/agent.js';
import type { RequiredAgent } from '../../agents/names.js';
import type { ModelConfig } from '../../model/config.js';
import { accuracy, crossEntropy } from '../finetune/evaluation.js';
import type { Sums } from '../finetune/graphs.js';
import { splitRows, type Split } from '../finetune/split.js';
import type { Settings } from '../finetune/trainer.js';
import { ablationResult, type AblationRun, type Variant } from './ablation-report.js';
import type { Experiment, ExperimentContext, ExperimentResult, FailedRow } from './experiment.js';
import { total } from './intervals.js';
import { withLab, type Lab } from './lab.js';
import { allParts, countParts, freshAgent, maskedGraphs } from './masked-agent.js';
import { measure } from './measuring.js';
import { attempt } from './rows-that-fail.js';
import { hashOfRows, SETTINGS, teachTogether, type Lesson, type Taught } from './teaching.js';

const SIZE = { rows: 100, epochs: 2, fewest: 25 };
const QUICK_SIZE = { rows: 16, epochs: 1, fewest: 4 };
const SHARES = { valid: 0.1, heldOut: 0.2 };

/** What is left out of an agent, one thing at a time. */
export const ablations: Experiment = {
  name: 'ablations',
  title: 'Ablations',
  question:
    'What of an agent is worth its parameters? The code agent is trained anew, from nothing, on one repository (the first one named), each time with one part changed. ' +
    `Its last ${SIZE.rows} usable rows: the last fifth held out, the tenth before it to choose the best of ${SIZE.epochs} epochs. The cross-entropy is that of the held-out patches after the right analysis.`,
  version: 3,
  run: (context) => withLab(context, (lab) => run(context, lab)),
};

async function run(context: ExperimentContext, lab: Lab): Promise<ExperimentResult> {
  const size = context.quick ? QUICK_SIZE : SIZE;
  const file = context.rows[0]!;
  const found = await lab.read(file, size.rows);
  const failed: FailedRow[] = [...found.failed];
  const split = splitRows({ rows: found.rows, dropped: [] }, undefined, ['code-generation'], SHARES);
  failed.push(...split.dropped.map(({ id, reason }) => ({ row: id, step: 'split', reason })));
  const { config } = context.model;
  const variants = variantsOf(config, split.train.length, size.fewest);
  context.plan(1 + variants.length * context.seeds.length);
  const bare = await context.unit('the bare backbone', [hashOfRows(split.heldOut)], async ({ detail }) => {
    await lab.encode(split.heldOut, detail);
    return heldOutSums(lab, bareAgent(config).tensors, split);
  });
  const runs: AblationRun[] = [];
  for (const variant of variants) {
    for (const seed of context.seeds) {
      const label = `${variant.group}: ${variant.label}, seed ${seed}`;
      const settings: Settings = { ...SETTINGS, epochs: size.epochs, seed };
      const done = await attempt(failed, label, 'train', () => train(lab, split, variant, settings));
      if (done) runs.push({ variant, seed, parameters: countParts(config, variant.parts), ...done });
    }
  }
  return ablationResult({ repository: file.name, bare: crossEntropy(total(bare)), runs, split, failed });
}

function variantsOf(config: ModelConfig, rows: number, fewest: number): Variant[] {
  const whole = allParts(config);
  const { layers, rank } = whole;
  const half = Math.ceil(layers.length / 2);
  const steps = [fewest, 2 * fewest].filter((count) => count < rows);
  return [
    // The whole agent stands in each group; it is trained once, as its inputs are the same.
    ...[Math.max(1, rank / 16), Math.max(1, rank / 4), rank].map((some): Variant => ({
      group: 'rank',
      label: String(some),
      parts: { ...whole, rank: some },
    })),
    { group: 'layers', label: `lower ${half}`, parts: { ...whole, layers: layers.slice(0, half) } },
    { group: 'layers', label: `upper ${half}`, parts: { ...whole, layers: layers.slice(-half) } },
    { group: 'layers', label: 'uppermost', parts: { ...whole, layers: layers.slice(-1) } },
    { group: 'layers', label: 'all', parts: whole },
    { group: 'gate', label: 'off', parts: { ...whole, gate: false } },
    { group: 'gate', label: 'on', parts: whole },
    { group: 'head', label: 'off', parts: { ...whole, head: false } },
    { group: 'head', label: 'on', parts: whole },
    { group: 'regime', label: 'joint', parts: whole, joint: true },
    { group: 'regime', label: 'static', parts: whole },
    ...steps.map((count): Variant => ({ group: 'rows', label: String(count), parts: whole, rows: count })),
    { group: 'rows', label: String(rows), parts: whole },
  ];
}

function train(
  lab: Lab,
  split: Split,
  { parts, rows, joint = false }: Variant,
  settings: Settings,
): Promise<{ readonly sums: readonly Sums[]; readonly accuracy: number; readonly taught: Taught }> {
  const { model, unit } = lab.context;
  const learnt = rows === undefined ? split.train : split.train.slice(-rows);
  const inputs = [hashOfRows(learnt), hashOfRows(split.valid), hashOfRows(split.heldOut), parts, joint, settings];
  return unit('training', inputs, async (own) => {
    const lessonOf = (agent: RequiredAgent): Lesson => ({
      agent,
      start: freshAgent(model.config, parts, settings.seed),
      train: learnt,
      valid: split.valid,
    });
    const agents: RequiredAgent[] = joint ? ['code-generation', 'issue-analysis'] : ['code-generation'];
    const graphs = maskedGraphs(await lab.graphs(), model.config, parts);
    const [taught] = await teachTogether(lab, own, agents.map(lessonOf), settings, graphs);
    await lab.encode(split.heldOut, own.detail);
    const { tensors } = await loadAgent(taught!.file, model.config);
    const sums = await heldOutSums(lab, tensors, split);
    return { sums, accuracy: accuracy(total(sums)), taught: taught! };
  });
}

async function heldOutSums(
  lab: Lab,
  agent: Parameters<typeof measure>[1],
  { heldOut }: Split,
): Promise<readonly Sums[]> {
  const options = { symbols: await lab.tokenizer(), signal: lab.context.signal };
  return (await measure(await lab.graphs(), agent, heldOut, 'patch_given_analysis', options)).rows;
}
