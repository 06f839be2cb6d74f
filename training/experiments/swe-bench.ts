import { loadAgent } from '../../adapters/agent.js';
import { REQUIRED_AGENTS, type RequiredAgent } from '../../agents/names.js';
import { SyntaxChecker } from '../../pipeline/syntax.js';
import { judgeName, judgeOf } from '../evaluation/row-trial.js';
import type { Settings } from '../finetune/trainer.js';
import type { Experiment, ExperimentContext, ExperimentResult, FailedRow } from './experiment.js';
import { withLab, type Lab } from './lab.js';
import type { Pair } from './snapshot.js';
import { sweBenchResult, type SeedRun, type StateName } from './swe-bench-report.js';
import { readSweBench, type SweBenchRow } from './swe-bench-rows.js';
import { stateOf, type SweBenchState } from './swe-bench-state.js';
import { hashOfRows, SETTINGS, teachTogether, type Lesson, type Taught } from './teaching.js';

interface Size {
  readonly trainEpochs: number;
  readonly adaptEpochs: number;
  /** Test rows on which is written. */
  readonly samples: number;
}

const SIZE: Size = { trainEpochs: 2, adaptEpochs: 4, samples: 10 };
const QUICK_SIZE: Size = { trainEpochs: 1, adaptEpochs: 1, samples: 2 };

/** Share of a split's rows, its last ones, that chooses the best epoch (row 46). */
const VALID = 0.1;

/** Rows 18–24, 28, 34 and 67–76 of the seed inventory. */
export const sweBench: Experiment = {
  name: 'swe-bench',
  title: 'SWE-bench, the seed’s rows and measures',
  question:
    'The seed’s 397 rows with its split (277 to train, 59 to adapt, 61 to test), its texts as inputs and targets, its measures. Both agents as released, trained together on the 277 rows (the joint training: batches of both in turn), ' +
    `and then one of them adapted alone on the 59 (static fine-tuning). Epochs: ${SIZE.trainEpochs} and ${SIZE.adaptEpochs}; the best one is chosen by the last tenth of the same rows, never by test rows. ` +
    'No test row is in the tokenizer or the backbone, whose data leave out SWE-bench’s repositories.',
  version: 2,
  run: (context) => withLab(context, (lab) => run(context, lab)),
};

async function run(context: ExperimentContext, lab: Lab): Promise<ExperimentResult> {
  const size = context.quick ? QUICK_SIZE : SIZE;
  const split = await readSweBench(context.sweBench, context.model.config, await lab.tokenizer());
  const failed: FailedRow[] = [...split.failed];
  const released = {
    'issue-analysis': await lab.released('issue-analysis'),
    'code-generation': await lab.released('code-generation'),
  };
  context.plan(1 + 6 * context.seeds.length);
  const measured = async (name: string, pair: Pair): Promise<SweBenchState> => {
    const inputs = [hashOf(split.test), REQUIRED_AGENTS.map((agent) => pair[agent].generation), size.samples];
    const state = await context.unit(name, inputs, ({ detail }) =>
      stateOf(lab, pair, split.test, size.samples, detail),
    );
    failed.push(...state.failed.map((row) => ({ ...row, step: `${row.step}, ${name}` })));
    return state;
  };
  const before = await measured('released', released);
  const runs: SeedRun[] = [];
  for (const seed of context.seeds) {
    const taught: Taught[] = [];
    const learn = async (
      name: string,
      pair: Pair,
      agents: readonly RequiredAgent[],
      rows: readonly SweBenchRow[],
      epochs: number,
    ): Promise<Pair> => {
      const settings: Settings = { ...SETTINGS, epochs, seed };
      const lessons = agents.map((agent) => lessonOf(pair, agent, rows));
      const inputs = [
        lessons.map(({ train, valid }) => [hashOfRows(train), hashOfRows(valid)]),
        agents.map((agent) => pair[agent].generation),
        settings,
      ];
      const done = await context.unit(`${name}, seed ${seed}`, inputs, (unit) =>
        teachTogether(lab, unit, lessons, settings),
      );
      taught.push(...done);
      const after = { ...pair };
      for (const [at, agent] of agents.entries()) {
        after[agent] = await loadAgent(done[at]!.file, context.model.config, agent);
      }
      return after;
    };
    const trained = await learn('joint training', released, REQUIRED_AGENTS, split.train, size.trainEpochs);
    const adapted = async (agent: RequiredAgent): Promise<SweBenchState> =>
      measured(
        `${agent} adapted, seed ${seed}`,
        await learn(`adapt ${agent}`, trained, [agent], split.adapt, size.adaptEpochs),
      );
    const states: Record<StateName, SweBenchState> = {
      released: before,
      'trained jointly': await measured(`trained jointly, seed ${seed}`, trained),
      'issue-analysis adapted': await adapted('issue-analysis'),
      'code-generation adapted': await adapted('code-generation'),
    };
    runs.push({ seed, states, taught });
  }
  const syntax = await SyntaxChecker.load();
  try {
    const judge = judgeOf({ syntax });
    return sweBenchResult({
      runs,
      test: split.test,
      failed,
      parses: (text) => judge('patch.py', text),
      judgeName: judgeName(),
    });
  } finally {
    syntax.dispose();
  }
}

/** The last rows validate; the agent begins as it is in the pair. */
function lessonOf(pair: Pair, agent: RequiredAgent, rows: readonly SweBenchRow[]): Lesson {
  const mine = rows.map((row) => (agent === 'issue-analysis' ? row.row : row.code));
  const first = mine.length - Math.max(1, Math.floor(mine.length * VALID));
  return { agent, start: pair[agent].tensors, train: mine.slice(0, first), valid: mine.slice(first) };
}

function hashOf(rows: readonly SweBenchRow[]): string {
  return hashOfRows(rows.flatMap(({ row, code }) => [row, code]));
}
