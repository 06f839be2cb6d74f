import type { Calibration } from './calibration.js';
import { GROUPS, type ByGroup } from './figures.js';
import type { Estimate } from './statistics.js';

/** How a number is shown. */
export type Format = (value: number) => string;

export const nats: Format = (value) => value.toFixed(3);
export const percent: Format = (value) => `${(100 * value).toFixed(1)} %`;

/** An estimate with its interval: `0.512 (0.490–0.534)`. */
export function withInterval(estimate: Estimate | undefined, format: Format): string {
  if (!estimate) return '–';
  const bare = (value: number): string => format(value).replace(' %', '');
  return `${format(estimate.value)} (${bare(estimate.low)}–${bare(estimate.high)})`;
}

/** The cells of an estimate by kind of row. */
export function groupCells(estimates: ByGroup, format: Format): string[] {
  return GROUPS.map((group) => withInterval(estimates[group], format));
}

/** Rows of a table: the bins, and the error. */
export function calibrationRows({ bins, expected_calibration_error }: Calibration): string[][] {
  return [
    ['  score', 'patches', 'mean score', 'right'],
    ...bins.map(({ low, high, items, mean_score, right }) => [
      `  ${low.toFixed(1)} to ${high.toFixed(1)}`,
      String(items),
      percent(mean_score),
      percent(right),
    ]),
    ['  expected calibration error', withInterval(expected_calibration_error, percent)],
  ];
}

/** Lines of a table with columns as wide as their longest cell: the first to the left, the others to the right. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      // A line with one cell is a heading and may run over the columns.
      if (row.length > 1) widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column]!)))
      .join('   ')
      .trimEnd();
  return rows.map(line).join('\n');
}
