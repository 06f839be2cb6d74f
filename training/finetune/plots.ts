import type { TopLevelSpec } from 'vega-lite';
import type { Plot } from './render-report.js';
import type { Report } from './report.js';

/** A picture of a report, and its Vega-Lite specification. */
export interface PlotSpec extends Plot {
  readonly spec: TopLevelSpec;
}

const SIZE = { width: 300, height: 220 };

const agent = { field: 'agent', type: 'nominal', title: 'agent' } as const;

/** The pictures of a run: how it learnt, what it gained, and, where that was measured, what analyses do for patches and what patches are like. */
export function plotsOf(report: Report): PlotSpec[] {
  const title = 'Loss and accuracy by step';
  const plots = [
    { file: 'training.svg', title, spec: trainingSpec(report, title) },
    { file: 'held-out.svg', title: 'Held-out rows before and after', spec: heldOutSpec(report) },
  ];
  const lift = liftSpec(report);
  if (lift) plots.push({ file: 'lift.svg', title: 'Pipeline lift', spec: lift });
  const generated = generatedSpec(report);
  if (generated) plots.push({ file: 'generated.svg', title: 'Generated patches', spec: generated });
  return plots;
}

/** Each update and each validation, of each agent; the rule is the step that was kept. */
function trainingSpec({ training }: Report, title: string): TopLevelSpec {
  const updates = training.steps.map((report) => ({
    step: report.step,
    agent: report.agent,
    rows: 'train',
    loss: report.train_loss,
    accuracy: report.train_mean_token_accuracy,
  }));
  const validations = training.validations.flatMap(({ step, agents }) =>
    Object.entries(agents).map(([name, { valid_loss: loss, valid_mean_token_accuracy: accuracy }]) => ({
      step,
      agent: name,
      rows: 'valid',
      loss,
      accuracy,
    })),
  );
  const panel = (field: 'loss' | 'accuracy', text: string): object => ({
    ...SIZE,
    layer: [
      {
        mark: { type: 'line', interpolate: 'linear' },
        encoding: {
          x: { field: 'step', type: 'quantitative', title: 'step' },
          y: { field, type: 'quantitative', title: text, scale: { zero: false } },
          color: agent,
          strokeDash: { field: 'rows', type: 'nominal', title: 'rows', sort: ['valid', 'train'] },
          opacity: { condition: { test: "datum.rows === 'train'", value: 0.45 }, value: 1 },
        },
      },
      {
        data: { values: [{ step: training.bestStep }] },
        mark: { type: 'rule', color: '#888888' },
        encoding: { x: { field: 'step', type: 'quantitative' } },
      },
    ],
  });
  return {
    title: `${title} (rule: the step that was kept)`,
    data: { values: [...updates, ...validations] },
    hconcat: [panel('loss', 'cross-entropy, nats per token'), panel('accuracy', 'token accuracy')],
  } as TopLevelSpec;
}

/** Points with 95 % intervals over rows. */
function heldOutSpec({ agents }: Report): TopLevelSpec {
  const values = agents.flatMap(({ agent: name, held_out }) =>
    (['before', 'after'] as const).map((when) => {
      const { cross_entropy: loss, mean_token_accuracy: accuracy } = held_out[when];
      const [lossLow, lossHigh] = held_out[when].cross_entropy_interval;
      const [accuracyLow, accuracyHigh] = held_out[when].mean_token_accuracy_interval;
      return { agent: name, when, loss, lossLow, lossHigh, accuracy, accuracyLow, accuracyHigh };
    }),
  );
  const panel = (field: 'loss' | 'accuracy', title: string): object => ({
    ...SIZE,
    encoding: {
      x: { field: 'when', type: 'ordinal', sort: ['before', 'after'], title: null, axis: { labelAngle: 0 } },
      xOffset: { field: 'agent' },
      color: agent,
    },
    layer: [
      {
        mark: 'rule',
        encoding: {
          y: { field: `${field}Low`, type: 'quantitative', title, scale: { zero: false } },
          y2: { field: `${field}High` },
        },
      },
      {
        mark: { type: 'point', filled: true, size: 70 },
        encoding: { y: { field, type: 'quantitative', title, scale: { zero: false } } },
      },
    ],
  });
  return {
    title: 'Held-out rows before and after, 95 % intervals over rows',
    data: { values },
    hconcat: [panel('loss', 'cross-entropy, nats per token'), panel('accuracy', 'token accuracy')],
  } as TopLevelSpec;
}

/** How much less the patch costs after an analysis than without one, before and after the training; undefined where it was not measured. */
function liftSpec({ pipeline_lift: lift }: Report): TopLevelSpec | undefined {
  if (!lift) return undefined;
  const values = (['before', 'after'] as const).flatMap((when) => [
    { when, analysis: "the agent's own", ...lift[when].own_lift_percent },
    { when, analysis: 'the given one', ...lift[when].given_lift_percent },
  ]);
  const y = (what: object): object => ({ ...what, type: 'quantitative', title: 'cross-entropy less than without, %' });
  return {
    title: `Pipeline lift, ${lift.rows} held-out rows, 95 % intervals`,
    ...SIZE,
    data: { values },
    encoding: {
      x: { field: 'analysis', type: 'nominal', title: 'after which analysis', axis: { labelAngle: 0 } },
      xOffset: { field: 'when', sort: ['before', 'after'] },
      color: { field: 'when', type: 'nominal', title: 'training', sort: ['before', 'after'] },
    },
    layer: [
      { mark: 'rule', encoding: { y: y({ field: 'low' }), y2: { field: 'high' } } },
      { mark: { type: 'point', filled: true, size: 70 }, encoding: { y: y({ field: 'value' }) } },
    ],
  };
}

const RATES = [
  ['exact match', 'exact_match'],
  ['applies', 'applies'],
  ['syntax sound', 'syntax_valid'],
  ['held back by default', 'abstained'],
] as const;

/** Rates of the patches as served, before and after; undefined where they were not measured. */
function generatedSpec({ generated }: Report): TopLevelSpec | undefined {
  if (!generated) return undefined;
  const values = (['before', 'after'] as const).flatMap((when) =>
    RATES.flatMap(([rate, field]) => {
      const of = generated[when][field];
      return of ? [{ when, rate, ...of }] : [];
    }),
  );
  const y = (field: string): object => ({
    field,
    type: 'quantitative',
    title: 'share',
    scale: { domain: [0, 1] },
    axis: { format: '%' },
  });
  return {
    title: `Generated patches, ${generated.rows} held-out rows, 95 % intervals`,
    ...SIZE,
    data: { values },
    encoding: {
      x: { field: 'rate', type: 'nominal', title: null, sort: RATES.map(([rate]) => rate), axis: { labelAngle: 0 } },
      xOffset: { field: 'when', sort: ['before', 'after'] },
      color: { field: 'when', type: 'nominal', title: 'training', sort: ['before', 'after'] },
    },
    layer: [
      { mark: 'rule', encoding: { y: y('low'), y2: { field: 'high' } } },
      { mark: { type: 'point', filled: true, size: 70 }, encoding: { y: y('value') } },
    ],
  };
}
