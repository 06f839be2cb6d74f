import { createRandom } from '../../model/random.js';
import { scoreSequence } from '../../model/score.js';
import { generatedAnalysis, windowOf } from '../evaluation/teacher-forcing.js';
import { accuracy, crossEntropy } from '../finetune/evaluation.js';
import type { Sums } from '../finetune/graphs.js';
import { windowIn } from '../finetune/shown-window.js';
import type { TrainingRow } from '../finetune/sequences.js';
import { rate } from '../evaluation/statistics.js';
import type { Experiment, ExperimentContext, ExperimentResult, FailedRow, Sample } from './experiment.js';
import { improvement, estimateText, total } from './intervals.js';
import { withLab, type Lab } from './lab.js';
import { editOf, writePatch } from './patch-writing.js';
import { barsOf } from './plots.js';
import { attempt } from './rows-that-fail.js';
import { hashOfRows } from './teaching.js';

const CONDITIONS = ['none', 'shuffled', 'generated', 'gold'] as const;

type Condition = (typeof CONDITIONS)[number];

const LABELS: Record<Condition, string> = {
  none: 'no analysis',
  shuffled: "another row's analysis",
  generated: "the analysis agent's own",
  gold: 'the right analysis',
};

/** Rows in all, spread evenly over the repositories; each takes some 20 s on one core. */
const ROWS = 24;
const QUICK_ROWS = 3;
const MAX_SAMPLES = 8;

/** One row under one condition. */
interface Tried {
  readonly condition: Condition;
  readonly sums: Sums;
  /** The window after the written patch is the window after the right one. */
  readonly exact: boolean;
  readonly analysis: string;
  readonly diff: string;
}

interface TriedRow {
  readonly id: string;
  readonly source: string;
  readonly right: string;
  readonly tried: readonly Tried[];
}

/** Row 69 of the seed inventory, with the two conditions that say whether the code agent reads what it is given. */
export const lift: Experiment = {
  name: 'lift',
  title: 'Pipeline lift',
  question:
    'Does the code agent really use the analysis? The patch of held-out edits is scored (teacher-forced) and written (greedily, as served) ' +
    `with no analysis, the analysis of another row, the analysis agent's own, and the right one; ${ROWS} rows, the last ones of each repository. ` +
    'The seed compares the generated analysis with the raw input only, by cross-entropy (row 69).',
  version: 1,
  run: (context) => withLab(context, (lab) => run(context, lab)),
};

async function run(context: ExperimentContext, lab: Lab): Promise<ExperimentResult> {
  const { failed, rows } = await rowsOf(context, lab);
  const [analyst, coder] = [await lab.released('issue-analysis'), await lab.released('code-generation')];
  context.plan(rows.length * context.seeds.length);
  const perSeed = [];
  for (const seed of context.seeds) {
    const random = createRandom(seed);
    const tried: TriedRow[] = [];
    for (const [at, row] of rows.entries()) {
      const other = rows[(at + 1 + Math.floor(random() * (rows.length - 1))) % rows.length]!;
      const inputs = [hashOfRows([row, other]), analyst.generation, coder.generation];
      const done = await attempt(failed, row.id, 'write', () =>
        context.unit(`row ${row.id}, seed ${seed}`, inputs, () => tryRow(lab, row, other)),
      );
      if (done) tried.push(done);
    }
    perSeed.push({ seed, tried });
  }
  return resultOf(perSeed, failed);
}

async function rowsOf(
  { rows: files, quick }: ExperimentContext,
  lab: Lab,
): Promise<{ failed: FailedRow[]; rows: TrainingRow[] }> {
  const failed: FailedRow[] = [];
  const rows: TrainingRow[] = [];
  for (const file of files) {
    const found = await lab.read(file, Math.ceil((quick ? QUICK_ROWS : ROWS) / files.length));
    failed.push(...found.failed);
    rows.push(...found.rows);
  }
  return { failed, rows };
}

async function tryRow(lab: Lab, row: TrainingRow, other: TrainingRow): Promise<TriedRow> {
  const backbone = await lab.backbone();
  const { tokenizer } = backbone;
  const { signal } = lab.context;
  const shown = windowIn(row.sourceIds, tokenizer);
  if (!shown) throw new RangeError('shows no window');
  const window = windowOf(shown);
  const [analyst, coder] = [await lab.released('issue-analysis'), await lab.released('code-generation')];
  const { analyse, patch } = tokenizer.special;
  const memory = await backbone.encode(row.sourceIds, signal);
  const generated = await generatedAnalysis(backbone, memory, analyst, shown);
  const prompts: Record<Condition, readonly number[]> = {
    none: [patch],
    shuffled: [analyse, ...other.analysisIds, patch],
    generated: [analyse, ...generated],
    gold: [analyse, ...row.analysisIds, patch],
  };
  const right = editOf(backbone, window, row.patchIds);
  const target = [...row.patchIds, tokenizer.eos];
  const tried: Tried[] = [];
  for (const condition of CONDITIONS) {
    const prompt = prompts[condition];
    const score = await scoreSequence(backbone, memory, coder, prompt, target);
    const written = await writePatch(backbone, memory, coder, window, prompt, signal);
    tried.push({
      condition,
      sums: { loss: score.loss, correct: score.correct, count: score.tokens },
      exact: written?.after === right.after,
      analysis: tokenizer.decode(prompt),
      diff: written?.diff ?? '',
    });
  }
  return { id: row.id, source: tokenizer.decode(row.sourceIds), right: right.diff, tried };
}

function resultOf(
  perSeed: readonly { readonly seed: number; readonly tried: readonly TriedRow[] }[],
  failed: readonly FailedRow[],
): ExperimentResult {
  // Only the other row's analysis depends on the seed, so rows are pooled over seeds.
  const rows = perSeed.flatMap(({ tried }) => tried);
  if (rows.length === 0)
    return { findings: ['No row could be tried.'], tables: [], plots: [], samples: [], failed, data: {} };
  const of = (condition: Condition): Tried[] =>
    rows.map(({ tried }) => tried.find((one) => one.condition === condition)!);
  const baseline = of('none').map(({ sums }) => sums);
  const figures = CONDITIONS.map((condition) => {
    const tried = of(condition);
    const sums = tried.map((one) => one.sums);
    return {
      condition,
      cross_entropy: crossEntropy(total(sums)),
      accuracy: accuracy(total(sums)),
      exact: rate(tried.map(({ exact }) => exact))!,
      change: improvement(baseline, sums, 0),
    };
  });
  const gold = figures[3]!;
  const shuffled = figures[1]!;
  const own = figures[2]!;
  const read = improvement(
    of('shuffled').map(({ sums }) => sums),
    of('gold').map(({ sums }) => sums),
    0,
  );
  return {
    findings: [
      `Against no analysis the right one changes the patch's cross-entropy by ${estimateText(gold.change.cross_entropy_percent)} %, the agent's own by ` +
        `${estimateText(own.change.cross_entropy_percent)} %, another row's by ${estimateText(shuffled.change.cross_entropy_percent)} %.`,
      `The right analysis instead of another row's: ${estimateText(read.cross_entropy_percent)} %. ` +
        (read.cross_entropy_percent.high < 0
          ? 'The code agent reads it.'
          : 'That the code agent reads it is not shown.'),
      own.change.cross_entropy_percent.high < 0
        ? "The agent's own analysis helps."
        : "The agent's own analysis does not help.",
    ],
    tables: [
      {
        id: 'lift',
        title: `The patch by what the code agent reads before it (${rows.length} rows)`,
        columns: ['analysis', 'cross-entropy', 'token accuracy', 'change of cross-entropy, %', 'exact match, %'],
        rows: figures.map(({ condition, cross_entropy, accuracy: share, change, exact }) => [
          LABELS[condition],
          cross_entropy,
          share,
          condition === 'none' ? '–' : estimateText(change.cross_entropy_percent),
          estimateText({ ...exact, value: 100 * exact.value, low: 100 * exact.low, high: 100 * exact.high }, 1),
        ]),
        notes: ['Nats per token; in brackets 95 % intervals, over rows, paired for the change.'],
      },
    ],
    plots: [
      {
        id: 'cross-entropy',
        title: 'Cross-entropy of the patch by analysis',
        caption: 'Lower is better.',
        spec: barsOf(
          figures.map((figure) => ({ x: LABELS[figure.condition], y: figure.cross_entropy })),
          { x: 'analysis', y: 'nats per token' },
        ),
      },
    ],
    samples: samplesOf(rows),
    failed,
    data: { rows: { train: [], valid: [], test: rows.map(({ id }) => id) }, figures, seeds: perSeed.length },
  };
}

/** The first rows, and those that no condition got right are among them. */
function samplesOf(rows: readonly TriedRow[]): Sample[] {
  return rows.slice(0, MAX_SAMPLES).map(({ id, source, right, tried }, at) => ({
    id: `row-${at}`,
    text: [
      `# ${id}`,
      source,
      '# right patch',
      right,
      ...tried.flatMap(({ condition, exact, analysis, diff }) => [
        `# ${LABELS[condition]}: ${exact ? 'exact' : 'not exact'}`,
        analysis,
        diff === '' ? '(no patch)' : diff,
      ]),
      '',
    ].join('\n'),
  }));
}
