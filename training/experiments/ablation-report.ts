import { crossEntropy } from '../finetune/evaluation.js';
import type { Sums } from '../finetune/graphs.js';
import type { Split } from '../finetune/split.js';
import type { ExperimentResult, FailedRow, Plot } from './experiment.js';
import { estimateText, improvement, overSeeds, total } from './intervals.js';
import type { Parts } from './masked-agent.js';
import { barsOf, linesOf } from './plots.js';
import type { Taught } from './teaching.js';

/** One training among those that are compared. */
export interface Variant {
  /** What is varied: a plot of its own. */
  readonly group: 'rank' | 'layers' | 'gate' | 'head' | 'regime' | 'rows';
  readonly label: string;
  readonly parts: Parts;
  /** Trained in turn with an analysis agent that begins from nothing, too. */
  readonly joint?: boolean;
  /** Rows to learn from, the last ones before those that validate; all where it is undefined. */
  readonly rows?: number;
}

/** One training and what came of it. */
export interface AblationRun {
  readonly variant: Variant;
  readonly seed: number;
  readonly parameters: number;
  /** Of the held-out rows. */
  readonly sums: readonly Sums[];
  readonly accuracy: number;
  readonly taught: Taught;
}

interface Group {
  readonly name: Variant['group'];
  readonly title: string;
}

const GROUPS: readonly Group[] = [
  { name: 'rank', title: 'Rank of the adapters' },
  { name: 'layers', title: 'Layers with an adapter' },
  { name: 'gate', title: 'Router gate' },
  { name: 'head', title: 'Role head' },
  { name: 'regime', title: 'Regime' },
  { name: 'rows', title: 'Rows to learn from' },
];

/** A variant over its seeds. */
interface Figure {
  readonly label: string;
  readonly parameters: number;
  readonly crossEntropies: readonly number[];
  readonly accuracies: readonly number[];
  /** Of the first seed. */
  readonly sums: readonly Sums[];
}

export function ablationResult(found: {
  readonly repository: string;
  /** Cross-entropy of the backbone without an agent. */
  readonly bare: number;
  readonly runs: readonly AblationRun[];
  readonly split: Split;
  readonly failed: readonly FailedRow[];
}): ExperimentResult {
  const { repository, bare, runs, split, failed } = found;
  const groups = GROUPS.map((group) => ({ ...group, figures: figuresOf(runs, group.name) })).filter(
    ({ figures }) => figures.length > 0,
  );
  return {
    findings: groups.map(({ title, figures }) => `${title}: ${sentenceOf(figures)}`),
    tables: [
      {
        id: 'ablations',
        title: `Held-out patches of ${repository} (${split.heldOut.length} rows)`,
        columns: [
          'varied',
          'value',
          'parameters trained',
          'cross-entropy',
          'less than the bare backbone, %',
          'token accuracy',
        ],
        rows: groups.flatMap(({ title, figures }) =>
          figures.map(({ label, parameters, crossEntropies, accuracies }) => [
            title,
            label,
            parameters,
            estimateText(overSeeds(crossEntropies), 4),
            estimateText(overSeeds(crossEntropies.map((value) => (100 * (bare - value)) / bare))),
            estimateText(overSeeds(accuracies), 4),
          ]),
        ),
        notes: [
          `The bare backbone: ${bare.toFixed(4)} nats per token. Intervals (95 %) over seeds, where there are several.`,
          'Agents begin from nothing; a part that is left out is 0 and gets no gradient. Without the gate an adapter is always open.',
          'Regime: the two agents share no number, so joint training differs by its common schedule and its choice of one best step for both.',
        ],
      },
    ],
    plots: groups.map((group) => plotOf(group, bare)),
    samples: [],
    failed,
    data: {
      repository,
      bare_cross_entropy: bare,
      runs: runs.map(({ variant, seed, parameters, sums, taught }) => ({
        group: variant.group,
        label: variant.label,
        seed,
        parameters,
        cross_entropy: crossEntropy(total(sums)),
        train_seconds: taught.train_seconds,
        rows: { ...taught.rows, test: split.heldOut.map(({ id }) => id) },
      })),
    },
  };
}

function figuresOf(runs: readonly AblationRun[], group: Variant['group']): Figure[] {
  const labels = [
    ...new Set(runs.filter(({ variant }) => variant.group === group).map(({ variant }) => variant.label)),
  ];
  return labels.map((label) => {
    const own = runs.filter(({ variant }) => variant.group === group && variant.label === label);
    return {
      label,
      parameters: own[0]!.parameters,
      crossEntropies: own.map(({ sums }) => crossEntropy(total(sums))),
      accuracies: own.map((one) => one.accuracy),
      sums: own[0]!.sums,
    };
  });
}

/** The first variant against the last, which is the whole agent on all rows, row by row. */
function sentenceOf(figures: readonly Figure[]): string {
  const [first, last] = [figures[0]!, figures[figures.length - 1]!];
  const { cross_entropy_percent: change } = improvement(last.sums, first.sums, 0);
  const text = `${first.label} instead of ${last.label} changes the cross-entropy by ${estimateText(change)} %`;
  if (change.low > 0) return `${text}: the whole is better.`;
  if (change.high < 0) return `${text}: less is better here.`;
  return `${text}: no difference beyond chance.`;
}

function plotOf({ name, title, figures }: Group & { readonly figures: readonly Figure[] }, bare: number): Plot {
  const axes = { x: title.toLowerCase(), y: 'less than the bare backbone, %' };
  const points = figures.map(({ label, crossEntropies }) => ({
    x: label,
    y: (100 * (bare - overSeeds(crossEntropies).value)) / bare,
  }));
  const isNumeric = name === 'rank' || name === 'rows';
  return {
    id: name,
    title,
    caption: `Improvement of the held-out cross-entropy over the bare backbone. ${sentenceOf(figures)}`,
    spec: isNumeric
      ? linesOf(
          points.map((point) => ({ ...point, x: Number(point.x) })),
          axes,
        )
      : barsOf(points, axes),
  };
}
