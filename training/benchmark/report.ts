import type { Estimate } from '../evaluation/statistics.js';
import type { JudgedRow } from '../ranking/judged.js';
import { calibrationRows, percent, renderTable, withInterval } from '../evaluation/table.js';
import type { BenchmarkFigures, PassFigures } from './figures.js';
import type { TaskTrial } from './task-trial.js';

/** All that the benchmark found; what the JSON file holds. Intervals are 95 % bootstrap intervals over tasks. */
export interface BenchmarkReport {
  readonly model: {
    readonly name: string;
    readonly fingerprint: string;
    readonly release: { readonly issue_analysis: string; readonly code_generation: string };
  };
  readonly settings: Readonly<Record<string, string | number | boolean | null>>;
  /** Absent without prepared bugs. */
  readonly humaneval?: BenchmarkFigures & {
    /** Pass rate at k = 1, 2, …: the curve of the plot. */
    readonly pass_curve: readonly Estimate[];
  };
  readonly cases: BenchmarkFigures;
  /** Absent when the training data was not searched. */
  readonly overlap?: {
    readonly n: number;
    readonly records: number;
    /** What was searched: files, and the records of each. */
    readonly sources: Readonly<Record<string, number>>;
    /** Tasks of which something was found, with the share of their n-grams. */
    readonly seen: Readonly<Record<string, number>>;
    /** Figures of the HumanEval bugs of which nothing was found. */
    readonly unseen: PassFigures | undefined;
  };
  readonly details: readonly TaskTrial[];
  /** All candidates, for `npm run fit-ranking`. */
  readonly ranking: readonly JudgedRow[];
}

/** The report as tables for a terminal. */
export function renderBenchmark(report: BenchmarkReport): string {
  const { humaneval, cases, overlap } = report;
  const rows: string[][] = [];
  if (humaneval) rows.push(...suiteRows('HumanEval-repair', humaneval));
  if (overlap?.unseen) rows.push(passRow(`  no ${overlap.n}-gram in the training data`, overlap.unseen));
  if (humaneval) rows.push(['']);
  rows.push(...suiteRows('cases of test/cases', cases));
  const parts = [renderTable(rows)];
  for (const [title, figures] of [
    ['HumanEval-repair', humaneval],
    ['cases', cases],
  ] as const) {
    if (figures) parts.push(renderTable(detailRows(title, figures)));
  }
  parts.push(overlapText(report));
  return parts.join('\n\n');
}

function suiteRows(title: string, figures: BenchmarkFigures): string[][] {
  const cuts = Object.keys(figures.all.pass_at);
  // A kind with one bug says nothing, and the cases have no others.
  const kinds = Object.entries(figures.by_kind).filter(([, { bugs }]) => bugs > 1);
  return [
    [title, 'bugs', ...cuts.map((k) => `pass@${k}`), 'mean 1/rank'],
    passRow('  all', figures.all),
    ...kinds.map(([kind, part]) => passRow(`  ${kind}`, part)),
  ];
}

function passRow(label: string, { bugs, pass_at, reciprocal_rank }: PassFigures): string[] {
  const rates = Object.values(pass_at).map((rate) => withInterval(rate, percent));
  return [label, String(bugs), ...rates, withInterval(reciprocal_rank, (value) => value.toFixed(3))];
}

function detailRows(title: string, figures: BenchmarkFigures): string[][] {
  const { abstention, first_right: ranks, calibration } = figures;
  return [
    [`${title}: ${figures.candidates} candidates`],
    ['  git apply --check passes', withInterval(figures.applies, percent)],
    ['  result parses', withInterval(figures.parses, percent)],
    [`  bugs answered at the threshold ${abstention.threshold}`, withInterval(abstention.answered, percent)],
    ['  answers that pass, of these', withInterval(abstention.passes_of_answered, percent)],
    [
      `  first right candidate (rank: bugs): ${Object.entries(ranks)
        .map(([rank, bugs]) => `${rank}: ${bugs}`)
        .join(', ')}`,
    ],
    ...(calibration ? calibrationRows(calibration) : []),
  ];
}

function overlapText({ overlap }: BenchmarkReport): string {
  if (!overlap) return 'Overlap with the training data was not checked (training/benchmark/overlap.py).';
  const seen = Object.entries(overlap.seen).sort(([, a], [, b]) => b - a);
  const most = seen.slice(0, 5).map(([task, share]) => `${task} ${percent(share)}`);
  const list = most.length > 0 ? `, most of all ${most.join(', ')}` : '';
  const searched = `Searched: ${Object.entries(overlap.sources)
    .map(([file, records]) => `${file} (${records})`)
    .join(', ')}.`;
  return `${seen.length} tasks share a ${overlap.n}-gram of words with the ${overlap.records} training records searched${list}.\n${searched}`;
}
