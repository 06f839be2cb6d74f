import type { TopLevelSpec } from 'vega-lite';

/** One mark of a plot. */
export interface Point {
  readonly x: string | number;
  readonly y: number;
  readonly series?: string;
}

interface Axes {
  readonly x: string;
  readonly y: string;
}

const SIZE = { width: 420, height: 240 } as const;

/** Bars in the given order, by series side by side where there are several. */
export function barsOf(points: readonly Point[], axes: Axes): TopLevelSpec {
  const several = points.some(({ series }) => series !== undefined);
  return {
    ...SIZE,
    data: { values: points.map((point) => ({ ...point })) },
    mark: 'bar',
    encoding: {
      x: { field: 'x', type: 'nominal', sort: null, title: axes.x, axis: { labelAngle: -25 } },
      y: { field: 'y', type: 'quantitative', title: axes.y },
      ...(several && {
        xOffset: { field: 'series', sort: null },
        color: { field: 'series', type: 'nominal', sort: null, title: null },
      }),
    },
  };
}

/** A line with points for each series over a numeric axis that need not begin at 0. */
export function linesOf(points: readonly Point[], axes: Axes): TopLevelSpec {
  return {
    ...SIZE,
    data: { values: points.map((point) => ({ series: '', ...point })) },
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'x', type: 'quantitative', title: axes.x, scale: { zero: false } },
      y: { field: 'y', type: 'quantitative', title: axes.y, scale: { zero: false } },
      ...(points.some(({ series }) => series !== undefined) && {
        color: { field: 'series', type: 'nominal', sort: null, title: null },
      }),
    },
  };
}
