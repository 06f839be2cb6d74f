import path from 'node:path';
import { loadAgent } from '../../adapters/agent.js';
import { saveNewAgent } from '../../adapters/new-agent.js';
import { SyntaxChecker } from '../../pipeline/syntax.js';
import type { Sums } from '../finetune/graphs.js';
import type { Settings } from '../finetune/trainer.js';
import type { Experiment, ExperimentContext, ExperimentResult, FailedRow } from './experiment.js';
import { FIGURES, humanevalResult, type HumanEvalRun, type StateName } from './humaneval-report.js';
import { installedTasks, madeUpTasks, splitTasks, type HumanEvalRow, type HumanEvalSplit } from './humaneval-rows.js';
import { writeTask, type ChainPair, type WrittenTask } from './humaneval-writing.js';
import { withLab, type Lab } from './lab.js';
import { measure } from './measuring.js';
import { attempt } from './rows-that-fail.js';
import { hashOfRows, SETTINGS, teach, type Taught } from './teaching.js';

interface Size {
  readonly trainEpochs: number;
  readonly adaptEpochs: number;
  /** Test tasks for which functions are written, and how many for each. */
  readonly tasks: number;
  readonly answers: number;
}

const SIZE: Size = { trainEpochs: 2, adaptEpochs: 2, tasks: 8, answers: 10 };
const QUICK_SIZE: Size = { trainEpochs: 3, adaptEpochs: 1, tasks: 1, answers: 2 };

/** Share of a split's rows, its last ones, that chooses the best epoch. */
const VALID = 0.1;

const AGENTS = ['specification', 'implementation'] as const;

/** Rows 25–27, 29, 42–44, 57–61, 66 and 77–80 of the seed inventory. */
export const humaneval: Experiment = {
  name: 'humaneval',
  title: 'HumanEval: a second chain of agents',
  question:
    'Two agents that the backbone has never had, a specification and an implementation agent, begin from nothing, learn from 104 tasks of HumanEval and are adapted on 33 more, in the seed’s split; 27 are held out. ' +
    `Measured on these: both agents teacher-forced and, what the seed never measured, whether the task’s own tests pass: ${SIZE.answers} answers to each of the first ${SIZE.tasks} test tasks, in a sandbox. ` +
    `Epochs: ${SIZE.trainEpochs} and ${SIZE.adaptEpochs}; the best one is chosen by the last tenth of the same rows.`,
  version: 1,
  run: (context) => withLab(context, (lab) => run(context, lab)),
};

async function run(context: ExperimentContext, lab: Lab): Promise<ExperimentResult> {
  const size = context.quick ? QUICK_SIZE : SIZE;
  const tasks = context.quick ? madeUpTasks() : await installedTasks();
  const split = splitTasks(tasks, await lab.tokenizer());
  const failed: FailedRow[] = [...split.failed];
  const runs: HumanEvalRun[] = [];
  context.plan(context.seeds.length * (8 + 2 * Math.min(size.tasks, split.test.length)));
  const syntax = await SyntaxChecker.load();
  try {
    for (const seed of context.seeds) runs.push(await runSeed(lab, { syntax, split, size, seed, failed }));
  } finally {
    syntax.dispose();
  }
  return humanevalResult(runs, split, failed);
}

/** What one seed's states share. */
interface SeedTask {
  readonly syntax: SyntaxChecker;
  readonly split: HumanEvalSplit;
  readonly size: Size;
  readonly seed: number;
  readonly failed: FailedRow[];
}

async function runSeed(lab: Lab, task: SeedTask): Promise<HumanEvalRun> {
  const { split, size, seed } = task;
  const taught: (Taught & { readonly agent: string; readonly state: StateName })[] = [];
  const fresh = await newPair(lab, seed);
  const learnt = async (state: StateName, pair: ChainPair, rows: readonly HumanEvalRow[], epochs: number) => {
    const next = { ...pair };
    for (const agent of AGENTS) {
      const done = await learn(lab, `${state} ${agent}, seed ${seed}`, { agent, pair, rows, epochs, seed });
      taught.push({ ...done, agent, state });
      next[agent] = await loadAgent(done.file, lab.context.model.config, agent);
    }
    return next;
  };
  const trained = await learnt('trained', fresh, split.train, size.trainEpochs);
  const adapted = await learnt('adapted', trained, split.adapt, size.adaptEpochs);
  return {
    seed,
    taught,
    figures: {
      new: await figures(lab, 'new', fresh, task),
      trained: await figures(lab, 'trained', trained, task),
      adapted: await figures(lab, 'adapted', adapted, task),
    },
    written: {
      trained: await writings(lab, 'trained', trained, task),
      adapted: await writings(lab, 'adapted', adapted, task),
    },
  };
}

/** Agents that have learnt nothing; they lie in the folder of a unit. */
async function newPair(lab: Lab, seed: number): Promise<ChainPair> {
  const { config } = lab.context.model;
  const files = await lab.context.unit(`new agents, seed ${seed}`, [], async ({ folder }) => {
    for (const agent of AGENTS) await saveNewAgent(path.join(folder, `${agent}.safetensors`), agent, config, seed);
    return AGENTS.map((agent) => path.join(folder, `${agent}.safetensors`));
  });
  const [specification, implementation] = await Promise.all(
    files.map((file, at) => loadAgent(file, config, AGENTS[at])),
  );
  return { specification: specification!, implementation: implementation! };
}

function learn(
  lab: Lab,
  name: string,
  lesson: {
    readonly agent: (typeof AGENTS)[number];
    readonly pair: ChainPair;
    readonly rows: readonly HumanEvalRow[];
    readonly epochs: number;
    readonly seed: number;
  },
): Promise<Taught> {
  const { agent, pair, epochs, seed } = lesson;
  const rows = lesson.rows.map(({ row }) => row);
  const first = rows.length - Math.max(1, Math.floor(rows.length * VALID));
  const [train, valid] = [rows.slice(0, first), rows.slice(first)];
  const settings: Settings = { ...SETTINGS, epochs, seed };
  const start = pair[agent];
  const inputs = [hashOfRows(train), hashOfRows(valid), start.generation, settings];
  return lab.context.unit(name, inputs, (unit) =>
    teach(lab, unit, { agent, start: start.tensors, train, valid }, settings),
  );
}

/** Both agents on the test rows, teacher-forced; the texts of a chain's agents stand where those of the first chain do. */
function figures(
  lab: Lab,
  state: StateName,
  { specification, implementation }: ChainPair,
  { split, seed }: SeedTask,
): Promise<HumanEvalRun['figures'][StateName]> {
  const rows = split.test.map(({ row }) => row);
  const inputs = [hashOfRows(rows), specification.generation, implementation.generation];
  return lab.context.unit(`${state} measured, seed ${seed}`, inputs, async ({ detail }) => {
    await lab.encode(rows, detail);
    const graphs = await lab.graphs();
    const options = { symbols: await lab.tokenizer(), signal: lab.context.signal };
    const of = async (agent: typeof specification, target: (typeof FIGURES)[number]): Promise<readonly Sums[]> =>
      (await measure(graphs, agent.tensors, rows, target, options)).rows;
    return {
      analysis: await of(specification, 'analysis'),
      patch_alone: await of(implementation, 'patch_alone'),
      patch_given_analysis: await of(implementation, 'patch_given_analysis'),
    };
  });
}

async function writings(lab: Lab, state: StateName, pair: ChainPair, task: SeedTask): Promise<WrittenTask[]> {
  const { syntax, split, size, seed, failed } = task;
  const { context } = lab;
  const written: WrittenTask[] = [];
  for (const row of split.test.slice(0, size.tasks)) {
    const inputs = [row.task, pair.specification.generation, pair.implementation.generation, size.answers];
    const done = await attempt(failed, row.task.task_id, `write, ${state}`, () =>
      context.unit(`${state} ${row.task.task_id}, seed ${seed}`, inputs, async () =>
        writeTask({ backbone: await lab.backbone(), syntax }, pair, row, {
          count: size.answers,
          seed,
          signal: context.signal,
        }),
      ),
    );
    if (done) written.push(done);
  }
  return written;
}
