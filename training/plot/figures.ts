import type { TopLevelSpec } from 'vega-lite';
import type { CalibrationBin } from '../evaluation/calibration.js';
import type { Estimate } from '../evaluation/statistics.js';

/** A picture that can stand beside others. */
type Panel = Extract<TopLevelSpec, { hconcat: unknown }>['hconcat'][number];

type Layer = Extract<Panel, { layer: unknown }>['layer'][number];

const SIZE = 260;
const BLUE = '#1f77b4';
const share = { format: '%' };
const wholeRange = { domain: [0, 1] };

/** Pictures side by side. */
export function beside(title: string, panels: readonly Panel[]): TopLevelSpec {
  return { title, background: 'white', hconcat: [...panels], spacing: 40 };
}

/** How often one of the first k candidates is right, with intervals; `curve[k − 1]` is for k. */
export function passPanel(curve: readonly Estimate[]): Panel {
  const values = curve.map(({ value, low, high }, index) => ({ k: index + 1, value, low, high }));
  const x = { field: 'k', type: 'quantitative', title: 'candidates tried', axis: { tickMinStep: 1 } } as const;
  const y = { type: 'quantitative', title: 'pass rate', axis: share, scale: wholeRange } as const;
  return {
    title: 'Pass rate',
    width: SIZE,
    height: SIZE,
    data: { values },
    layer: [
      {
        mark: { type: 'area', opacity: 0.2, color: BLUE },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' } },
      },
      { mark: { type: 'line', color: BLUE, point: true }, encoding: { x, y: { ...y, field: 'value' } } },
    ],
  };
}

/** Bins of scores, each with its share that was right: on the dashed line scores are probabilities. A dot's area is its bin's size. */
export function reliabilityPanel(title: string, bins: readonly CalibrationBin[]): Panel {
  const x = { type: 'quantitative', title: 'mean score of the first candidate', scale: wholeRange } as const;
  const y = { type: 'quantitative', title: 'share right', axis: share, scale: wholeRange } as const;
  const dots: Layer = {
    data: { values: [...bins] },
    mark: { type: 'circle', color: '#d62728', opacity: 0.7 },
    encoding: {
      x: { ...x, field: 'mean_score' },
      y: { ...y, field: 'right' },
      size: { field: 'items', type: 'quantitative', title: 'rows', scale: { range: [20, 400] } },
    },
  };
  return {
    title,
    width: SIZE,
    height: SIZE,
    layer: [
      {
        data: { values: [0, 1].map((at) => ({ at })) },
        mark: { type: 'line', color: '#888', strokeDash: [4, 4] },
        encoding: { x: { ...x, field: 'at' }, y: { ...y, field: 'at' } },
      },
      // Without bins there would be a legend of nothing.
      ...(bins.length === 0 ? [] : [dots]),
    ],
  };
}
