import type { TopLevelSpec } from 'vega-lite';
import { renderSvg } from '../../training/plot/render.js';
import type { Dashboard, Panel } from './panels.js';

/** One line of a panel; points are [seconds since the beginning, value]. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

/** What a dashboard shows. */
export interface Picture {
  /** By the id of the panel. */
  readonly lines: ReadonlyMap<number, readonly Line[]>;
  /** Seconds since the beginning at which releases changed. */
  readonly swaps: readonly number[];
  readonly seconds: number;
}

/** Pixels of one column and one row of Grafana's grid. */
const COLUMN = 42;
const ROW = 20;
const WIDTH = 24 * COLUMN;
const TITLE_HEIGHT = 22;
const GAP = 6;

const FORMATS: Readonly<Record<string, string>> = { percentunit: '~%', bytes: '.2s' };

/** The rows of these titles with their panels, as SVG in the places that the dashboard gives them; tables are left out. */
export async function drawDashboard({ panels }: Dashboard, rows: readonly string[], picture: Picture): Promise<string> {
  const parts: string[] = [];
  let height = 0;
  for (const [index, row] of panels.entries()) {
    if (row.type !== 'row' || !rows.includes(row.title)) continue;
    const end = panels.findIndex(({ type }, other) => other > index && type === 'row');
    const members = panels.slice(index + 1, end < 0 ? undefined : end).filter(({ type }) => type !== 'table');
    parts.push(text(0, height + 17, 15, '#111', row.title));
    const offset = height + TITLE_HEIGHT - Math.min(...members.map(({ gridPos }) => gridPos.y)) * ROW;
    for (const panel of members) {
      const { x, y, w, h } = panel.gridPos;
      const inner = await drawPanel(panel, picture);
      const [left, top] = [x * COLUMN, y * ROW + offset];
      parts.push(
        `<g transform="translate(${left},${top})"><rect x="1" y="1" width="${w * COLUMN - GAP}" height="${h * ROW - GAP}" rx="3" fill="#fff" stroke="#ddd"/>${inner}</g>`,
      );
      height = Math.max(height, top + h * ROW);
    }
    height += GAP;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif"><rect width="${WIDTH}" height="${height}" fill="#f7f7f8"/>${parts.join('')}</svg>\n`;
}

async function drawPanel(panel: Panel, picture: Picture): Promise<string> {
  // Series that have counted nothing would fill the legends.
  const lines = (picture.lines.get(panel.id) ?? []).filter(
    ({ points }) => panel.type === 'stat' || points.some(([, value]) => value !== 0),
  );
  const { w, h } = panel.gridPos;
  const title = text(8, 17, panel.type === 'stat' ? 9 : 12, '#333', panel.title);
  const format = FORMATS[panel.fieldConfig?.defaults?.unit ?? ''] ?? '~s';
  if (panel.type === 'stat') {
    const value = lines[0]?.points.at(-1)?.[1];
    return title + text(8, 54, 26, '#1b6e3c', value === undefined ? '–' : shortNumber(value, panel));
  }
  const values = lines.flatMap(({ name, points }) => points.map(([second, value]) => ({ name, second, value })));
  if (values.length === 0) return title + text(8, 60, 12, '#888', 'none in this time');
  const spec: TopLevelSpec = {
    width: w * COLUMN - GAP - 16,
    height: h * ROW - GAP - 28,
    autosize: { type: 'fit', contains: 'padding' },
    padding: 2,
    background: 'transparent',
    layer: [
      {
        data: { values: picture.swaps.map((second) => ({ second })) },
        mark: { type: 'rule', color: '#8b3fc7', strokeDash: [3, 3] },
        encoding: { x: { field: 'second', type: 'quantitative' } },
      },
      {
        data: { values },
        mark: { type: 'line', strokeWidth: 1.3 },
        encoding: {
          x: {
            field: 'second',
            type: 'quantitative',
            scale: { domain: [0, picture.seconds], nice: false },
            axis: { title: null, grid: false, tickCount: 4, labelExpr: "datum.value + ' s'" },
          },
          y: { field: 'value', type: 'quantitative', axis: { title: null, tickCount: 3, format, gridColor: '#eee' } },
          color: {
            field: 'name',
            type: 'nominal',
            legend: { title: null, orient: 'bottom', columns: 3, labelLimit: 150 },
          },
        },
      },
    ],
    config: {
      view: { stroke: null },
      axis: { ticks: false, labelFontSize: 9, domainColor: '#bbb' },
      legend: { labelFontSize: 9, symbolSize: 40, padding: 0, offset: 2, rowPadding: 0 },
    },
  };
  return `${title}<g transform="translate(6,22)">${slim(await renderSvg(spec))}</g>`;
}

/** Without what says nothing to the eye: tenths of a pixel are enough, and the page has its own description. */
function slim(svg: string): string {
  return svg
    .replaceAll('<path d="" display="none"/>', '')
    .replaceAll(/ (?:opacity|stroke-width)="1"| font-family="sans-serif"/g, '')
    .replace(/ (?:aria-\w+|role|class|pointer-events|stroke-miterlimit|xmlns:xlink|version)="[^"]*"/g, '')
    .replace(/ (?:d|transform|viewBox)="[^"]*"/g, (attribute) =>
      attribute.replace(/-?\d+\.\d+(?:e-?\d+)?/g, (number) => String(Math.round(Number(number) * 10) / 10)),
    );
}

function shortNumber(value: number, panel: Panel): string {
  const unit = panel.fieldConfig?.defaults?.unit;
  if (unit === 'percentunit') return `${Math.round(100 * value)} %`;
  const short = Number(value.toPrecision(3));
  if (unit === 's') return `${short} s`;
  return unit === 'reqps' ? `${short} /s` : String(short);
}

function text(x: number, y: number, size: number, fill: string, content: string): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x}" y="${y}" font-size="${size}" fill="${fill}">${escaped}</text>`;
}
