import type { Calibration } from '../evaluation/calibration.js';
import type { Estimate } from '../evaluation/statistics.js';

const SIZE = 260;
const MARGIN = { left: 52, top: 34, bottom: 46, between: 70, right: 20 };
const TICKS = [0, 0.25, 0.5, 0.75, 1];

/** An SVG drawing: how the pass rate grows with the candidates tried, and how scores compare to what passes. */
export function renderPlot(title: string, curve: readonly Estimate[], calibration: Calibration | undefined): string {
  const second = MARGIN.left + SIZE + MARGIN.between;
  const width = second + SIZE + MARGIN.right;
  const height = MARGIN.top + SIZE + MARGIN.bottom;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    panel(MARGIN.left, `${title}: pass rate`, 'candidates tried', curveTicks(curve.length), passCurve(curve)),
    panel(
      second,
      'reliability of the score',
      'mean score of the first candidate',
      TICKS.map((tick) => [tick, String(tick)]),
      reliability(calibration),
    ),
    '</svg>',
    '',
  ].join('\n');
}

/** Axes from 0 to 1 with what is drawn on them. */
function panel(
  left: number,
  title: string,
  label: string,
  ticks: readonly (readonly [number, string])[],
  content: string,
): string {
  const grid = TICKS.map(
    (tick) =>
      `<path d="M0 ${y(tick)}H${SIZE}" stroke="#ddd"/><text x="-6" y="${y(tick) + 4}" text-anchor="end">${100 * tick} %</text>`,
  );
  const names = ticks.map(
    ([at, text]) => `<text x="${round(at * SIZE)}" y="${SIZE + 16}" text-anchor="middle">${text}</text>`,
  );
  return [
    `<g transform="translate(${left} ${MARGIN.top})">`,
    `<text x="${SIZE / 2}" y="-14" text-anchor="middle" font-size="13">${escaped(title)}</text>`,
    ...grid,
    ...names,
    `<text x="${SIZE / 2}" y="${SIZE + 34}" text-anchor="middle">${label}</text>`,
    content,
    `<path d="M0 0V${SIZE}H${SIZE}" fill="none" stroke="black"/>`,
    '</g>',
  ].join('\n');
}

function curveTicks(count: number): [number, string][] {
  const marks = [1, 5, 10, 20].filter((k) => k < count);
  return [...marks, count].map((k) => [place(k, count), String(k)]);
}

/** Where k candidates of `count` stand, with room at both ends. */
function place(k: number, count: number): number {
  return k / (count + 1);
}

function passCurve(curve: readonly Estimate[]): string {
  const points = (of: (estimate: Estimate) => number): string[] =>
    curve.map((estimate, index) => `${round(place(index + 1, curve.length) * SIZE)},${y(of(estimate))}`);
  const band = [...points(({ high }) => high), ...points(({ low }) => low).reverse()];
  const line = points(({ value }) => value);
  return [
    `<polygon points="${band.join(' ')}" fill="#1f77b4" opacity="0.2"/>`,
    `<polyline points="${line.join(' ')}" fill="none" stroke="#1f77b4" stroke-width="2"/>`,
    ...line.map((point) => `<circle cx="${point.replace(',', '" cy="')}" r="2.5" fill="#1f77b4"/>`),
  ].join('\n');
}

/** A dot for each bin, its area as its items; on the dashed line scores are probabilities. */
function reliability(calibration: Calibration | undefined): string {
  const bins = calibration?.bins ?? [];
  const items = bins.reduce((sum, bin) => sum + bin.items, 0);
  const dots = bins.map(
    (bin) =>
      `<circle cx="${round(bin.mean_score * SIZE)}" cy="${y(bin.right)}" r="${round(3 + 15 * Math.sqrt(bin.items / items))}" fill="#d62728" opacity="0.6"><title>${bin.items} bugs</title></circle>`,
  );
  return [`<path d="M0 ${SIZE}L${SIZE} 0" stroke="#888" stroke-dasharray="4 4"/>`, ...dots].join('\n');
}

function y(share: number): number {
  return round(SIZE * (1 - share));
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
