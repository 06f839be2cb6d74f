import { loadAgent } from '../../adapters/agent.js';
import { REQUIRED_AGENTS, type RequiredAgent } from '../../agents/names.js';
import { countOperations, countParameters } from '../finetune/cost.js';
import { backboneHashes } from '../finetune/integrity.js';
import { sequencesOf, type TrainingRow } from '../finetune/sequences.js';
import { splitRows, type Split } from '../finetune/split.js';
import type { Settings } from '../finetune/trainer.js';
import { adaptationResult } from './adaptation-report.js';
import type { AdaptationRun } from './adaptation-run.js';
import type { Experiment, ExperimentContext, ExperimentResult, FailedRow } from './experiment.js';
import { withLab, type Lab } from './lab.js';
import { parameterLocality, type SystemState } from './locality.js';
import { attempt } from './rows-that-fail.js';
import { snapshot, type Pair, type Snapshot, type SnapshotSize } from './snapshot.js';
import { hashOfRows, SETTINGS, teach } from './teaching.js';

/** How much is done: the last rows of each repository, a tenth to validate and a fifth held out. */
interface Size extends SnapshotSize {
  readonly rows: number;
  readonly epochs: number;
}

const SIZE: Size = { rows: 120, epochs: 2, generated: 8, samples: 3 };
const QUICK_SIZE: Size = { rows: 20, epochs: 2, generated: 1, samples: 1 };
const SHARES = { valid: 0.1, heldOut: 0.2 };

/** Rows 46–49, 81–91 and 97 of the seed inventory. */
export const adaptation: Experiment = {
  name: 'adaptation',
  title: 'Adaptation of one agent',
  question:
    'What the seed calls post-deployment validation: a snapshot of both agents on held-out rows, one agent adapted to a repository, a snapshot again, and what changed. ' +
    `For each repository its last ${SIZE.rows} usable rows in the order of time: the last fifth held out, the tenth before it to choose the best epoch of ${SIZE.epochs}, the rest to learn from; no commit and no source in two of them.`,
  version: 2,
  run: (context) => withLab(context, (lab) => run(context, lab)),
};

async function run(context: ExperimentContext, lab: Lab): Promise<ExperimentResult> {
  const size = context.quick ? QUICK_SIZE : SIZE;
  const failed: FailedRow[] = [];
  const runs: AdaptationRun[] = [];
  const files = context.rows;
  context.plan(files.length * (1 + REQUIRED_AGENTS.length * context.seeds.length));
  const pair = {
    'issue-analysis': await lab.released('issue-analysis'),
    'code-generation': await lab.released('code-generation'),
  };
  for (const file of files) {
    const found = await lab.read(file, size.rows);
    const split = splitOf(found.rows);
    failed.push(...found.failed, ...split.dropped.map(({ id, reason }) => ({ row: id, step: 'split', reason })));
    const before = await context.unit(
      `${file.name}, before`,
      [hashOfRows(split.heldOut), generations(pair), size],
      ({ detail }) => snapshot(lab, pair, split.heldOut, size, detail),
    );
    failed.push(...before.failed);
    for (const agent of REQUIRED_AGENTS) {
      for (const seed of context.seeds) {
        const label = `${file.name}, ${agent}, seed ${seed}`;
        const done = await attempt(failed, label, 'adapt', () =>
          adapt(lab, label, { repository: file.name, agent, seed, split, pair, before, size }),
        );
        if (!done) continue;
        failed.push(...done.after.failed);
        runs.push(done);
      }
    }
  }
  return adaptationResult(runs, failed);
}

function splitOf(rows: readonly TrainingRow[]): Split {
  const withAnalysis = rows.filter(({ analysisIds }) => analysisIds.length > 0);
  const dropped = rows
    .filter((row) => !withAnalysis.includes(row))
    .map(({ id }) => ({ id, reason: 'no_analysis' as const }));
  return splitRows({ rows: withAnalysis, dropped }, undefined, ['code-generation'], SHARES);
}

function generations(pair: Pair): string[] {
  return REQUIRED_AGENTS.map((name) => pair[name].generation);
}

/** One agent adapted to one repository, and everything measured about it. */
function adapt(
  lab: Lab,
  label: string,
  task: {
    readonly repository: string;
    readonly agent: RequiredAgent;
    readonly seed: number;
    readonly split: Split;
    readonly pair: Pair;
    readonly before: Snapshot;
    readonly size: Size;
  },
): Promise<AdaptationRun> {
  const { repository, agent, seed, split, pair, before, size } = task;
  const { model, unit } = lab.context;
  const settings: Settings = { ...SETTINGS, epochs: size.epochs, seed };
  const inputs = [
    hashOfRows(split.train),
    hashOfRows(split.valid),
    hashOfRows(split.heldOut),
    generations(pair),
    settings,
    size,
  ];
  return unit(label, inputs, async (own) => {
    const stateBefore = await systemState(lab, pair);
    const start = pair[agent];
    const { train, valid } = split;
    const taught = await teach(lab, own, { agent, start: start.tensors, train, valid }, settings);
    const adapted = await loadAgent(taught.file, model.config, agent);
    // The other agent is read again: what is compared is what lies on the disk.
    const other = REQUIRED_AGENTS.find((name) => name !== agent)!;
    const pairAfter = { [agent]: adapted, [other]: await lab.released(other) } as Record<RequiredAgent, typeof adapted>;
    const after = await snapshot(lab, pairAfter, split.heldOut, size, own.detail);
    const symbols = await lab.tokenizer();
    const sequences = train.flatMap((row, position) => sequencesOf(row, position, agent, symbols));
    return {
      repository,
      agent,
      seed,
      before,
      after,
      taught,
      test: split.heldOut.map(({ id }) => id),
      settings,
      locality: parameterLocality(agent, stateBefore, await systemState(lab, pairAfter)),
      parameters: countParameters(model.config, start.parameters),
      operations: countOperations(model.config, sequences),
    };
  });
}

async function systemState({ context }: Lab, agents: Pair): Promise<SystemState> {
  return { agents, files: await backboneHashes(context.model.directory, context.model.config) };
}
