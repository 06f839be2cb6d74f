import type { EngineInfo } from '../server/inference/messages.js';
import { renderTable } from '../training/evaluation/table.js';
import type { Mode, Shares } from './answering.js';
import type { Line, SearchCosts } from './comparison.js';
import type { ServerCosts } from './server-costs.js';
import type { Measurements } from './timing.js';

/** All figures of a run; what the JSON file holds. Times in milliseconds. */
export interface BenchReport {
  readonly machine: string;
  /** What llama.cpp says about itself; absent if it was not there. */
  readonly rival?: string;
  readonly model: EngineInfo;
  readonly input: number;
  readonly output: number;
  readonly threads: number;
  readonly rounds: number;
  readonly lines: readonly Line[];
  readonly search: SearchCosts;
  readonly shares: Partial<Record<Mode, Shares>>;
  readonly swap: { readonly microseconds: number; readonly changed: number; readonly left: number };
  /** Absent if it was not asked for. */
  readonly server?: ServerCosts;
  readonly raw: Measurements;
}

/** What the project promises. */
const TARGETS = { request: 0.6, search: 2.5, restMb: 600, start: 5 };

const MODE_LABELS: Record<Mode, string> = {
  known: 'a known answer',
  own: "the agents' own choice, no end",
  unaided: 'all sampled one by one',
};

/** The report for a terminal. */
export function renderBench(report: BenchReport): string {
  const rows: string[][] = [
    [`${report.machine}; ${report.threads} thread(s), median of ${report.rounds} rounds`],
    [''],
    ['ms', 'ours', 'llama.cpp', 'ratio', 'ratio of processor time'],
  ];
  for (const { what, ours, rival, ratio } of report.lines) {
    rows.push([
      `  ${what}`,
      milliseconds(ours.wall),
      rival ? milliseconds(rival.wall) : '–',
      ratio ? ratio.wall.toFixed(2) : '–',
      ratio ? ratio.cpu.toFixed(2) : '–',
    ]);
  }
  const { one, eight, ratio } = report.search;
  rows.push(
    [''],
    ['search', '1 candidate', '8 candidates', 'ratio'],
    [`  ${report.input} tokens in`, milliseconds(one.wall), milliseconds(eight.wall), ratio.toFixed(2)],
  );
  rows.push([''], ['tokens written', 'forced', 'drafted', 'sampled', 'runs of the decoder']);
  for (const [mode, shares] of Object.entries(report.shares) as [Mode, Shares][]) {
    const total = shares.forced + shares.drafted + shares.sampled;
    const share = (count: number): string => `${((100 * count) / total).toFixed(0)} %`;
    rows.push([
      `  ${MODE_LABELS[mode]}`,
      share(shares.forced),
      share(shares.drafted),
      share(shares.sampled),
      String(shares.runs),
    ]);
  }
  rows.push([''], ...serverRows(report.server));
  const { microseconds, left } = report.swap;
  rows.push([
    '  another agent over the same text',
    `${microseconds.toFixed(0)} µs`,
    left === 0 ? 'and back: same' : '',
  ]);
  rows.push([''], ...verdicts(report));
  return renderTable(rows);
}

function serverRows(server: ServerCosts | undefined): string[][] {
  if (!server) return [];
  const { megabytes, readColdMs, readWarmMs, readyColdMs, readyWarmMs } = server;
  const times = (ready: number, read: number): string => `${(ready / read).toFixed(1)} ×`;
  return [
    ['server', 'ready', `reading ${megabytes.toFixed(0)} MB`, 'ratio'],
    ['  files not in memory', milliseconds(readyColdMs), milliseconds(readColdMs), times(readyColdMs, readColdMs)],
    ['  files in memory', milliseconds(readyWarmMs), milliseconds(readWarmMs), times(readyWarmMs, readWarmMs)],
    ['  memory at rest', `${server.restMb.toFixed(0)} MB`],
    [`  memory after ${server.requests} requests`, `${server.afterRequestsMb.toFixed(0)} MB`],
    ['  a request through HTTP (cases)', milliseconds(server.requestMs)],
  ];
}

/** The promises and whether they are kept. */
function verdicts({ lines, search, server }: BenchReport): string[][] {
  const verdict = (what: string, value: number, limit: number, digits: number): string[] => [
    `  ${what}`,
    value.toFixed(digits),
    value <= limit ? 'kept' : 'NOT kept',
  ];
  const rows = [['promises']];
  const request = lines[0]?.ratio;
  if (request)
    rows.push(verdict(`request: ≤ ${TARGETS.request} of llama.cpp's time`, request.wall, TARGETS.request, 2));
  rows.push(verdict(`8 candidates: ≤ ${TARGETS.search} × the time of one`, search.ratio, TARGETS.search, 2));
  if (server) {
    rows.push(verdict(`memory at rest: ≤ ${TARGETS.restMb} MB`, server.restMb, TARGETS.restMb, 0));
    const start = server.readyColdMs / server.readColdMs;
    rows.push(verdict(`start: ≤ ${TARGETS.start} × the time to read the files`, start, TARGETS.start, 1));
  }
  return rows;
}

function milliseconds(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0);
}
