import { accuracy, crossEntropy } from '../finetune/evaluation.js';
import type { Sums } from '../finetune/graphs.js';
import type { Cell, ExperimentResult, FailedRow, Sample, Table } from './experiment.js';
import type { HumanEvalSplit } from './humaneval-rows.js';
import { passAt, type WrittenFunction, type WrittenTask } from './humaneval-writing.js';
import { estimateText, improvement, overSeeds, total } from './intervals.js';
import { barsOf } from './plots.js';
import { hasStructure, pairwiseSimilarity } from './seed-metrics.js';
import type { Taught } from './teaching.js';

export const STATES = ['new', 'trained', 'adapted'] as const;

export type StateName = (typeof STATES)[number];

/** What is measured teacher-forced: the specification; the body without and after the right specification. */
export const FIGURES = ['analysis', 'patch_alone', 'patch_given_analysis'] as const;

type Figure = (typeof FIGURES)[number];

/** States for which functions are written: what has learnt nothing writes nothing. */
const WRITING = ['trained', 'adapted'] as const;

/** Everything of one seed. */
export interface HumanEvalRun {
  readonly seed: number;
  readonly taught: readonly (Taught & { readonly agent: string; readonly state: StateName })[];
  readonly figures: Readonly<Record<StateName, Readonly<Record<Figure, readonly Sums[]>>>>;
  readonly written: Readonly<Record<(typeof WRITING)[number], readonly WrittenTask[]>>;
}

const LABELS: Record<Figure, string> = {
  analysis: 'specification',
  patch_alone: 'body, prompt only',
  patch_given_analysis: 'body, after the right specification',
};

/** The seed's published figures (§2.7): specification and body, deployed and after the specification agent's fine-tuning. */
const SEED: Record<Figure, { readonly ce: readonly [Cell, Cell]; readonly accuracy: readonly [Cell, Cell] }> = {
  analysis: { ce: [6.497, 6.382], accuracy: [0.149, 0.177] },
  patch_alone: { ce: ['–', '–'], accuracy: ['–', '–'] },
  patch_given_analysis: { ce: [6.006, 5.981], accuracy: ['–', '–'] },
};

/** Figures over all answers to all tasks. Source: rows 71, 72, 77, 78, 80 and 84 of the seed inventory. */
function writtenFigures(tasks: readonly WrittenTask[]): Record<string, number> {
  const all = tasks.flatMap(({ answers }) => answers);
  const share = (of: (answer: WrittenFunction) => boolean): number => all.filter(of).length / Math.max(1, all.length);
  const pass = (k: number): number => {
    const rates = tasks
      .filter(({ answers }) => answers.length >= k)
      .map(({ answers }) => passAt(k, answers.length, answers.filter(({ passes }) => passes).length));
    return rates.reduce((sum, rate) => sum + rate, 0) / Math.max(1, rates.length);
  };
  const bodies = all.map(({ body }) => body);
  const structure = share(({ body }) => hasStructure(`def solution():\n${body}`));
  const syntax = share(({ fault }) => fault !== 'does not parse');
  const uniqueness = new Set(bodies).size / Math.max(1, bodies.length);
  return {
    specification_valid: share((answer) => answer.specification_valid),
    structure,
    syntax,
    accepted: share(({ fault }) => fault === null),
    first_try_accepted: share(({ fault, tries }) => fault === null && tries === 1),
    uniqueness,
    pairwise_similarity: pairwiseSimilarity(bodies),
    code_quality: 0.6 * syntax + 0.3 * structure + 0.1 * uniqueness,
    'pass@1': pass(1),
    'pass@10': pass(10),
  };
}

export function humanevalResult(
  runs: readonly HumanEvalRun[],
  split: HumanEvalSplit,
  failed: readonly FailedRow[],
): ExperimentResult {
  const [first] = runs;
  const written = Object.fromEntries(
    WRITING.map((state) => [state, runs.map((run) => writtenFigures(run.written[state]))]),
  ) as Record<(typeof WRITING)[number], Record<string, number>[]>;
  const mean = (state: (typeof WRITING)[number], key: string): number =>
    overSeeds(written[state].map((of) => of[key]!)).value;
  const ce = (state: StateName, figure: Figure): number =>
    overSeeds(runs.map((run) => crossEntropy(total(run.figures[state][figure])))).value;
  const change = (figure: Figure): string => {
    const { trained, adapted } = first!.figures;
    return estimateText(improvement(trained[figure], adapted[figure], 0).cross_entropy_percent);
  };
  const test = split.test.map(({ row }) => row.id);
  return {
    findings: [
      `Adapting the specification agent changes its cross-entropy on the test rows by ${change('analysis')} %, adapting the implementation agent its own after the right specification by ${change('patch_given_analysis')} %.`,
      `The tests pass: pass@1 ${mean('adapted', 'pass@1').toFixed(3)} and pass@10 ${mean('adapted', 'pass@10').toFixed(3)} after adaptation, ${mean('trained', 'pass@1').toFixed(3)} and ${mean('trained', 'pass@10').toFixed(3)} before; ${(100 * mean('adapted', 'syntax')).toFixed(1)} % of the answers parse. The seed never ran the tests; its answers were accepted in 0 of 10 cases.`,
    ],
    tables: [forcedTable(runs, test.length), writtenTable(written, first)],
    plots: [
      {
        id: 'cross-entropy',
        title: 'Cross-entropy on the test rows by state',
        caption: 'Nats per token; lower is better.',
        spec: barsOf(
          STATES.flatMap((state) =>
            FIGURES.map((figure) => ({ x: state, y: ce(state, figure), series: LABELS[figure] })),
          ),
          { x: 'state', y: 'nats per token' },
        ),
      },
    ],
    samples: samplesOf(first),
    failed,
    data: {
      runs: runs.map(({ seed, figures, taught, written: tasks }) => ({
        seed,
        figures: Object.fromEntries(
          STATES.map((state) => [
            state,
            Object.fromEntries(
              FIGURES.map((figure) => {
                const sums = total(figures[state][figure]);
                return [figure, { ce: crossEntropy(sums), tok_acc: accuracy(sums), tokens: sums.count }];
              }),
            ),
          ]),
        ),
        written: Object.fromEntries(WRITING.map((state) => [state, writtenFigures(tasks[state])])),
        trainings: taught.map(({ rows, ...rest }) => ({ ...rest, rows: { ...rows, test } })),
      })),
    },
  };
}

function forcedTable(runs: readonly HumanEvalRun[], rows: number): Table {
  const line = (label: string, of: (run: HumanEvalRun, state: StateName) => number, seed: readonly Cell[]): Cell[] => [
    label,
    ...STATES.map((state) => estimateText(overSeeds(runs.map((run) => of(run, state))), 3)),
    ...seed,
  ];
  return {
    id: 'teacher-forced',
    title: `Test rows (${rows}), teacher-forced`,
    columns: ['figure', ...STATES, 'seed, deployed', 'seed, adapted'],
    rows: FIGURES.flatMap((figure) => [
      line(
        `${LABELS[figure]}: nats per token`,
        (run, state) => crossEntropy(total(run.figures[state][figure])),
        SEED[figure].ce,
      ),
      line(
        `${LABELS[figure]}: token accuracy`,
        (run, state) => accuracy(total(run.figures[state][figure])),
        SEED[figure].accuracy,
      ),
    ]),
    notes: [
      'Nats per token are of different tokenizers and not comparable with the seed’s, whose target repeats the signature; ours is given by the prompt and its tokens are part of the specification’s figure.',
      'The seed’s column is its published run of one adapted specification agent; its body figures are those of its whole pipeline.',
      'A specification is made from the docstring by rule: the prose before the examples, at most forty words.',
    ],
  };
}

function writtenTable(
  written: Readonly<Record<(typeof WRITING)[number], readonly Record<string, number>[]>>,
  first: HumanEvalRun | undefined,
): Table {
  const SEED_WRITTEN: Readonly<Record<string, Cell>> = { specification_valid: '0, adapted 0.037', accepted: 0 };
  const tasks = first?.written.adapted ?? [];
  const answers = tasks[0]?.answers.length ?? 0;
  return {
    id: 'written',
    title: `What is written for ${tasks.length} test tasks, ${answers} answers each`,
    columns: ['measure', ...WRITING, 'seed'],
    rows: Object.keys(written.adapted[0] ?? {}).map((key) => [
      key.replaceAll('_', ' '),
      ...WRITING.map((state) =>
        key === 'pass@10' && answers < 10 ? '–' : estimateText(overSeeds(written[state].map((of) => of[key]!)), 3),
      ),
      SEED_WRITTEN[key] ?? '–',
    ]),
    notes: [
      'The chain answers as it is served, with up to three tries of each text, none twice, at temperature 0.8; nothing is replaced by templates.',
      'pass@k is the unbiased estimate from all answers to a task; an answer passes when the task’s own tests run to their end in a sandbox.',
      'Where our definition had to differ: accepted means that the program parses and the body does something; names that are not defined are left to the tests. Structure is that of the body under a signature.',
    ],
  };
}

function samplesOf(run: HumanEvalRun | undefined): Sample[] {
  return WRITING.flatMap((state) =>
    (run?.written[state] ?? []).map(({ task, answers }, at) => ({
      id: `${state}-task${at}`,
      text: [
        `# ${task}, ${state}`,
        ...answers.flatMap(({ specification, body, fault, tries, passes }, number) => [
          `# answer ${number}: ${passes ? 'passes' : 'does not pass'}, ${tries} tries${fault === null ? '' : `, ${fault}`}`,
          specification,
          body,
        ]),
        '',
      ].join('\n'),
    })),
  );
}
