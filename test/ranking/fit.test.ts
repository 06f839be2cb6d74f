// Proves: the learned ranking is used where features tell right from wrong and only there; scores become probabilities; thresholds keep their promise.
import assert from 'node:assert/strict';
import { createRandom } from '../../model/random.js';
import { FEATURE_NAMES, type Features } from '../../pipeline/features.js';
import { fitRanking } from '../../training/ranking/fit.js';
import type { JudgedRow } from '../../training/ranking/judged.js';
import { fitLogistic, logOdds } from '../../training/ranking/logistic.js';
import { fitPlot, renderFit } from '../../training/ranking/render.js';
import { adviseThreshold } from '../../training/ranking/threshold.js';
import { renderSvg } from '../../training/plot/render.js';

/** Rows of four candidates, one of them right; a feature gives it away as far as `told`, the formula guesses. */
function rowsOf(count: number, told: number): JudgedRow[] {
  const random = createRandom(7);
  return Array.from({ length: count }, (_, index) => {
    const right = Math.floor(4 * random());
    const candidates = Array.from({ length: 4 }, (__, position) => {
      const features = Object.fromEntries(FEATURE_NAMES.map((name) => [name, 0])) as Features;
      const formula = 2 + 2 * random();
      const hint = position === right && random() < told ? 1 : 0;
      return { score: 0.9, formula, features: { ...features, hint_kept: hint }, right: position === right };
    });
    return { row: `${index}`, group: `${Math.floor(index / 2)}`, candidates };
  });
}
const options = { seed: 0, wantedRight: 0.5, force: false };

describe('logistic regression', () => {
  it('finds the log-odds behind shares, in the units of the inputs', () => {
    const samples = [
      ...[1, 1, 1, 0].map((target) => ({ inputs: [100, 5], target })),
      ...[1, 0, 0, 0].map((target) => ({ inputs: [300, 5], target })),
    ];
    const model = fitLogistic(samples, 0);
    assert.ok(Math.abs(logOdds(model, [100, 5]) - Math.log(3)) < 1e-6);
    assert.ok(Math.abs(logOdds(model, [300, 5]) + Math.log(3)) < 1e-6);
    assert.equal(model.weights[1], 0, 'what never varies has no weight');
    assert.ok(Math.abs(fitLogistic(samples, 10).weights[0]!) < Math.abs(model.weights[0]!), 'l2 shrinks');
  });
});

describe('fit of the ranking', () => {
  it('prefers the learned ranking when it finds what the formula does not see', () => {
    const fit = fitRanking(rowsOf(60, 0.9), options);
    assert.equal(fit.winner, 'learned ranking');
    assert.ok(fit.learned_gain.reciprocal_rank.low > 0 && (fit.weights.features['hint_kept'] ?? 0) > 0);
    assert.ok(fit.threshold.reached && (fit.threshold.right_of_answered ?? 0) >= 0.5);
    assert.deepEqual([fit.rows, fit.groups, fit.candidates, fit.right], [60, 30, 240, 60]);
  });

  it('keeps the order of the formula when there is nothing to see, and calibrates it', async () => {
    const fit = fitRanking(rowsOf(60, 0), options);
    assert.equal(fit.winner, 'calibrated formula');
    assert.deepEqual(fit.weights.features, {});
    assert.ok(fit.weights.formula > 0, 'a better score stays better');
    const [formula, calibrated] = fit.contenders;
    const error = (of: typeof formula): number => of?.calibration?.expected_calibration_error.value ?? Number.NaN;
    assert.ok(error(formula) > 0.5 && error(calibrated) < 0.15);
    assert.equal(fit.threshold.reached, false);
    assert.match(renderFit(fit), /Winner: calibrated formula\.[^]*No threshold reaches/);
    assert.match(await renderSvg(fitPlot(fit)), /learned ranking/);
  });

  it('uses the learned ranking all the same when forced', () => {
    const fit = fitRanking(rowsOf(40, 0), { ...options, force: true });
    assert.notEqual(fit.winner, 'learned ranking');
    assert.notDeepEqual(fit.weights.features, {});
  });

  it('is the same for the same seed, and refused without right candidates', () => {
    const rows = rowsOf(20, 0.5);
    assert.deepEqual(fitRanking(rows, options), fitRanking(rows, options));
    const wrong = rows.map((row) => ({ ...row, candidates: row.candidates.map((one) => ({ ...one, right: false })) }));
    assert.throws(() => fitRanking(wrong, options), /0 of 80 candidates are right/);
  });
});

describe('advice on the threshold', () => {
  const outcomes = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2].map((score, index) => ({ score, right: index < 4 }));

  it('is the lowest that keeps the share of right answers', () => {
    assert.deepEqual(adviseThreshold(outcomes, 0.5, 1), {
      threshold: 0.2,
      answered: 1,
      right_of_answered: 0.5,
      reached: true,
    });
    assert.equal(adviseThreshold(outcomes, 0.8, 1).threshold, 0.5);
  });

  it('answers as many as before where no threshold does', () => {
    const wrong = outcomes.map(({ score }) => ({ score, right: false }));
    const advice = adviseThreshold(wrong, 0.5, 0.5);
    assert.deepEqual([advice.reached, advice.threshold, advice.answered], [false, 0.6, 0.5]);
  });
});
