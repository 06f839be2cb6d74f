import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileAtomic } from '../../platform/atomic-file.js';
import { GROUPS, type CaseFigures, type PipelineFigures, type SegmentFigures } from './figures.js';
import type { JudgedRow } from '../ranking/judged.js';
import { calibrationRows, groupCells, nats, percent, renderTable, withInterval } from './table.js';
import { SEGMENTS, type Segment } from './teacher-forcing.js';

/** All that an evaluation found; what the JSON file holds. Intervals are 95 % bootstrap intervals over rows. */
export interface Report {
  readonly model: {
    readonly name: string;
    readonly fingerprint: string;
    readonly release: { readonly issue_analysis: string; readonly code_generation: string };
  };
  readonly settings: Readonly<Record<string, string | number | null>> & { readonly syntax_judge: string };
  /** Absent without a file of held-out rows. */
  readonly held_out?: {
    readonly rows: number;
    /** Absent, as `pipeline`, when only candidates were asked for. */
    readonly teacher_forced?: Readonly<Record<'agents' | 'bare_backbone', Record<Segment, SegmentFigures>>>;
    readonly pipeline?: PipelineFigures;
    readonly pipeline_several?: PipelineFigures;
  };
  readonly cases: { readonly single: CaseFigures; readonly several: CaseFigures };
  /** Patches wanted where "several" are. */
  readonly several: number;
  readonly details: readonly unknown[];
  /** Candidates of held-out rows, for `npm run fit-ranking`. */
  readonly ranking: readonly JudgedRow[];
}

const SEGMENT_LABELS: Record<Segment, string> = {
  analysis: 'analysis',
  patch_given_analysis: 'patch, gold analysis given',
  patch_given_generated_analysis: 'patch, generated analysis given',
  patch_alone: 'patch, no analysis',
};

/** The report as one table for a terminal. */
export function renderReport(report: Report): string {
  const { held_out: heldOut, cases, several } = report;
  const rows: string[][] = [];
  if (heldOut) {
    rows.push([`held-out edits (${heldOut.rows} rows)`, ...GROUPS]);
    for (const [model, label] of [
      ['agents', 'agents'],
      ['bare_backbone', 'bare backbone'],
    ] as const) {
      const figures = heldOut.teacher_forced?.[model];
      if (!figures) continue;
      rows.push(['', ...GROUPS.map(() => '')], [`teacher-forced, ${label}: nats per token`]);
      for (const segment of SEGMENTS)
        rows.push([`  ${SEGMENT_LABELS[segment]}`, ...groupCells(figures[segment].cross_entropy, nats)]);
      rows.push([`teacher-forced, ${label}: token accuracy`]);
      for (const segment of SEGMENTS)
        rows.push([`  ${SEGMENT_LABELS[segment]}`, ...groupCells(figures[segment].accuracy, percent)]);
    }
    if (heldOut.pipeline) rows.push([''], ...pipelineRows('pipeline, one patch wanted', heldOut.pipeline));
    if (heldOut.pipeline_several)
      rows.push([''], ...pipelineRows(`pipeline, ${several} patches wanted`, heldOut.pipeline_several));
    rows.push(['']);
  }
  rows.push([`cases of test/cases (${cases.single.cases})`, 'one patch', `${several} patches`]);
  const compare = (label: string, of: (figures: CaseFigures) => string): void => {
    rows.push([`  ${label}`, of(cases.single), of(cases.several)]);
  };
  compare('patches', ({ patches }) => String(patches));
  compare('git apply --check passes', ({ applies }) => withInterval(applies, percent));
  compare('tests passed, first patch', ({ tests_passed }) => withInterval(tests_passed, percent));
  compare('tests passed, any patch', ({ tests_passed_any }) => withInterval(tests_passed_any, percent));
  return `${renderTable(rows)}\n\nSyntax is judged by ${report.settings.syntax_judge}.`;
}

function pipelineRows(title: string, figures: PipelineFigures): string[][] {
  const { median, p95 } = figures.latency_ms;
  return [
    [title],
    ['  edit within the windows tried', ...groupCells(figures.window_found, percent)],
    ['  held back by default', ...groupCells(figures.abstained, percent)],
    ['  git apply --check passes (of patches)', ...groupCells(figures.applies, percent)],
    ['  syntax valid (of patches)', ...groupCells(figures.syntax_valid, percent)],
    ['  whole file as expected, first patch', ...groupCells(figures.exact_match, percent)],
    ['  whole file as expected, any patch', ...groupCells(figures.exact_match_any, percent)],
    ['  latency, ms: median, 95th percentile', '', median.toFixed(0), p95.toFixed(0)],
    ...(figures.calibration
      ? [['score of the first patch against whole file as expected'], ...calibrationRows(figures.calibration)]
      : []),
  ];
}

/** Writes JSON, whole or not at all, into a folder that is made where it is missing. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomic(file, `${JSON.stringify(value, null, 2)}\n`);
}
