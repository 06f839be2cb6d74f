import path from 'node:path';
import { newAgentTensors } from '../../adapters/new-agent.js';
import { REQUIRED_AGENTS } from '../../agents/names.js';
import { agentShapes } from '../../model/agent-tensors.js';
import { TrainingGraphs } from '../finetune/graphs.js';
import { backboneHashes } from '../finetune/integrity.js';
import { MemoryCache } from '../finetune/memory-cache.js';
import { readMoeRecord } from '../moe/graph-files.js';
import { MoeGraphs, type Routing } from '../moe/graphs.js';
import type { LearnSettings } from '../moe/learn.js';
import { measure, measureMixture } from '../moe/measure.js';
import { runSide, type SideResult } from '../moe/side.js';
import { sequencesOfRoles, studyRows, type RowCounts, type Study } from '../moe/study.js';
import { freshMixture, moeShapes } from '../moe/tensors.js';
import type { Experiment, ExperimentContext, ExperimentResult, Unit } from './experiment.js';
import { withLab, type Lab } from './lab.js';
import type { SideName, SideRuns } from './moe-figures.js';
import { moeResult } from './moe-result.js';
import { SETTINGS, hashOfRows } from './teaching.js';

const ROWS: RowCounts = { base: 48, adapt: 24, valid: 12, heldOut: 36 };
const QUICK_ROWS: RowCounts = { base: 6, adapt: 4, valid: 3, heldOut: 4 };
const [EPOCHS, QUICK_EPOCHS] = [3, 2];

/** As in the seed (row 38) and in the Switch Transformer. */
const BALANCE_WEIGHT = 0.01;
const MIXTURES = { 'MoE top-1': 1, 'MoE top-2': 2 } as const;

const ROOT = path.resolve(import.meta.dirname, '../../..');

/** Rows 10, 11, 38, 45, 55, 81 and 82 of the seed's inventory, on one backbone, with as many numbers, rows and tokens. */
export const moe: Experiment = {
  name: 'moe',
  title: 'Two agents against a mixture of experts',
  question:
    'Is it worth keeping two agents apart, where a mixture of adapter experts with a learned router could serve both roles? All sides begin without effect ' +
    'on the same frozen backbone, have the same number of trained parameters, and learn both roles from the same rows and tokens with the same settings; ' +
    `then one role is adapted alone. The mixture has 4 experts in each decoder layer, of which a token takes 1 or 2 (docs/training.md). At most ${ROWS.base} rows of one repository for both roles, ${ROWS.adapt} later ones to adapt, ${ROWS.valid} to choose the epoch, ` +
    `the newest ${ROWS.heldOut} held out; ${EPOCHS} epochs each.`,
  version: 2,
  run: (context) => withLab(context, (lab) => run(context, lab)),
};

async function run(context: ExperimentContext, lab: Lab): Promise<ExperimentResult> {
  const { quick, seeds, model } = context;
  const counts = quick ? QUICK_ROWS : ROWS;
  const file = context.rows[0]!;
  const wanted = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const read = await lab.read(file, wanted);
  const { dropped, ...rows } = studyRows({ rows: read.rows, dropped: [] }, counts);
  const failed = [...read.failed, ...dropped.map(({ id, reason }) => ({ row: id, step: 'split', reason }))];
  const { batch, microBatch, learningRate, warmupSteps, weightDecay, clipNorm } = SETTINGS;
  const settings: LearnSettings = {
    epochs: quick ? QUICK_EPOCHS : EPOCHS,
    ...{ batch, microBatch, learningRate, warmupSteps, weightDecay, clipNorm },
  };
  const folder = path.join(ROOT, quick ? 'test/fixtures/tiny-moe' : 'training/moe/graphs');
  const record = await readMoeRecord(folder);
  const all = Object.values(rows).flat();
  const hash = hashOfRows(all);
  context.plan(seeds.length * (1 + Object.keys(MIXTURES).length));
  const runs: SideRuns = { agents: [], 'MoE top-1': [], 'MoE top-2': [] };
  for (const seed of seeds) {
    const study: Study = { rows, symbols: await lab.tokenizer(), settings, seed, signal: context.signal };
    const unit = (name: SideName, inputs: object, work: (unit: Unit) => Promise<SideResult>): Promise<SideResult> =>
      context.unit(`${name}, seed ${seed}`, { settings, rows: hash, seed, ...inputs }, async (own) => {
        await lab.encode(all, (text) => {
          own.detail(text);
        });
        const result = await work(own);
        // Throws if a byte of the backbone has changed.
        await backboneHashes(model.directory, model.config);
        return result;
      });
    const step = model.config.training?.step.sha256;
    runs.agents.push(await unit('agents', { step }, (own) => agentsSide(context, study, own)));
    for (const [name, topK] of Object.entries(MIXTURES) as [keyof typeof MIXTURES, number][]) {
      const routing: Routing = { topK, balanceWeight: BALANCE_WEIGHT };
      const inputs = { routing, step: record.step.sha256 };
      runs[name].push(await unit(name, inputs, (own) => mixtureSide(context, study, own, folder, routing)));
    }
  }
  const study = { rows, symbols: await lab.tokenizer() };
  return moeResult({ config: model.config, sizes: record, topK: MIXTURES, runs, study }, file.name, failed);
}

/** Each role has an agent of its own. */
async function agentsSide({ model, memory }: ExperimentContext, study: Study, unit: Unit): Promise<SideResult> {
  const { directory, config, threads } = model;
  const graphs = await TrainingGraphs.load(directory, config, new MemoryCache(memory, config), threads);
  try {
    const side = {
      groups: REQUIRED_AGENTS.map((name) => [name]),
      graphs,
      shapes: agentShapes(config),
      start: (group: number) => newAgentTensors(config, 2 * study.seed + group),
      measure: (numbers: ReturnType<typeof newAgentTensors>, role: (typeof REQUIRED_AGENTS)[number]) =>
        measure(graphs, numbers, sequencesOfRoles(study, 'heldOut', [role]), measuring(study)),
    };
    return await runSide(side, study, unit.folder, (text) => {
      unit.detail(text);
    });
  } finally {
    await graphs.dispose();
  }
}

/** Both roles share one mixture. */
async function mixtureSide(
  { model, memory }: ExperimentContext,
  study: Study,
  unit: Unit,
  folder: string,
  routing: Routing,
): Promise<SideResult> {
  const { config } = model;
  const graphs = await MoeGraphs.load(folder, model, new MemoryCache(memory, config), routing);
  try {
    const side = {
      groups: [REQUIRED_AGENTS],
      graphs,
      shapes: moeShapes(config, graphs.sizes),
      start: () => freshMixture(config, graphs.sizes, study.seed),
      measure: (numbers: ReturnType<typeof freshMixture>, role: (typeof REQUIRED_AGENTS)[number]) =>
        measureMixture(graphs, numbers, sequencesOfRoles(study, 'heldOut', [role]), measuring(study)),
    };
    return await runSide(side, study, unit.folder, (text) => {
      unit.detail(text);
    });
  } finally {
    await graphs.dispose();
  }
}

function measuring({ rows, settings, signal }: Study) {
  return { rows: rows.heldOut.length, microBatch: settings.microBatch, signal };
}
