// Proves: pass rates, ranks, rates of candidates, abstention and calibration are counted as they are defined.
import { strict as assert } from 'node:assert';
import { benchmarkFigures, passCurve } from '../../training/benchmark/figures.js';
import { FEATURE_NAMES, type Features } from '../../pipeline/features.js';
import type { TaskTrial } from '../../training/benchmark/task-trial.js';
import { calibrationOf } from '../../training/evaluation/calibration.js';
import { calibrationRows } from '../../training/evaluation/table.js';

const noFeatures = Object.fromEntries(FEATURE_NAMES.map((name) => [name, 0])) as Features;

/** A bug whose candidate number `right` passes, of `count`; the first one has the score. */
function trial(task: string, kind: string, count: number, right: number | undefined, score = 0.5): TaskTrial {
  const candidates = Array.from({ length: count }, (_, index) => ({
    score: score - index / 100,
    applies: true,
    parses: index === 0,
    passes: index + 1 === right,
    formula: 0,
    features: noFeatures,
  }));
  return { name: `${task}#${kind}`, task, suite: 'humaneval', kind, ms: 1, candidates };
}

const trials = [
  trial('a', 'call', 20, 1, 0.9),
  trial('a', 'name', 20, 5, 0.8),
  trial('b', 'call', 20, 6, 0.05),
  trial('b', 'name', 20, undefined, 0.05),
  trial('c', 'name', 0, undefined),
];
const options = { wanted: 20, threshold: 0.1, seed: 0 };
/** Of an estimate, to three digits. */
const rounded = (estimate: { value: number } | undefined): number => Number(estimate?.value.toFixed(3));

describe('benchmark figures', () => {
  const figures = benchmarkFigures(trials, options);
  assert.ok(figures);

  it('counts bugs with a right candidate among the first k', () => {
    const rates = Object.entries(figures.all.pass_at).map(([k, rate]) => [k, rate.value]);
    assert.deepEqual(rates, [
      ['1', 0.2],
      ['5', 0.4],
      ['20', 0.6],
    ]);
    assert.equal(rounded(figures.all.reciprocal_rank), rounded({ value: (1 + 1 / 5 + 1 / 6) / 5 }));
    assert.deepEqual(figures.first_right, { 1: 1, 5: 1, 6: 1, none: 2 });
    assert.deepEqual([figures.all.bugs, figures.all.tasks], [5, 3]);
    assert.deepEqual(
      passCurve(trials, 6, 0).map(({ value }) => value),
      [0.2, 0.2, 0.2, 0.2, 0.4, 0.6],
    );
  });

  it('gives rates only for as many candidates as were asked for', () => {
    const few = benchmarkFigures(trials, { ...options, wanted: 5 });
    assert.deepEqual(Object.keys(few?.all.pass_at ?? {}), ['1', '5']);
  });

  it('tells kinds apart', () => {
    const { call, name } = figures.by_kind;
    assert.deepEqual([call?.bugs, name?.bugs], [2, 3]);
    assert.deepEqual([call?.pass_at['20']?.value, rounded(name?.pass_at['20'])], [1, 0.333]);
  });

  it('draws whole tasks again for intervals', () => {
    // The bugs of a task agree here, so only tasks can vary: the interval is that of two items, not of two hundred.
    const same = Array.from({ length: 200 }, (_, index) =>
      trial(index < 100 ? 'a' : 'b', 'x', 1, index < 100 ? 1 : undefined),
    );
    const { low, high, items } = benchmarkFigures(same, options)!.all.pass_at['1']!;
    assert.deepEqual([low, high, items], [0, 1, 2]);
  });

  it('counts candidates, and what a threshold holds back', () => {
    assert.equal(figures.candidates, 80);
    assert.deepEqual([figures.applies?.value, figures.parses?.value], [1, 0.05]);
    assert.equal(figures.abstention.answered?.value, 0.4);
    assert.equal(figures.abstention.passes_of_answered?.value, 0.5);
    const none = benchmarkFigures(trials, { ...options, threshold: 0.95 })!;
    assert.deepEqual([none.abstention.answered?.value, none.abstention.passes_of_answered], [0, undefined]);
    assert.equal(benchmarkFigures([], options), undefined);
  });

  it('compares scores to what is right', () => {
    const outcomes = [
      ...[true, true, true, false].map((right) => ({ score: 0.75, right })),
      ...[false, false].map((right) => ({ score: 0.25, right })),
      { score: 1, right: true },
    ];
    const calibration = calibrationOf(outcomes, 0);
    assert.ok(calibration);
    assert.deepEqual(
      calibration.bins.map(({ low, items, mean_score, right }) => [low, items, mean_score, right]),
      [
        [0.2, 2, 0.25, 0],
        [0.7, 4, 0.75, 0.75],
        [0.9, 1, 1, 1],
      ],
    );
    assert.equal(rounded(calibration.expected_calibration_error), rounded({ value: (2 * 0.25) / 7 }));
    assert.deepEqual(calibrationRows(calibration)[2], ['  0.7 to 0.8', '4', '75.0 %', '75.0 %']);
    assert.equal(calibrationOf([], 0), undefined);
    assert.equal(figures.calibration?.bins.length, 3);
  });
});
