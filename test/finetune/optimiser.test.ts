import assert from 'node:assert/strict';
import { AdamW, averageAndClip, learningRateAt } from '../../training/finetune/optimiser.js';

describe('optimiser', () => {
  it('is AdamW as PyTorch computes it', () => {
    // torch.optim.AdamW([1, -2], lr=0.1, betas=(0.9, 0.98), weight_decay=0.01) after gradients [0.5, -1], [0.25, 2], [-1, 0].
    const parameters = { w: Float32Array.of(1, -2) };
    const optimiser = new AdamW(parameters, 0.01);
    for (const gradient of [
      [0.5, -1],
      [0.25, 2],
      [-1, 0],
    ]) {
      optimiser.update({ w: Float32Array.from(gradient) }, 0.1);
    }
    const expected = [0.8243315, -1.9590305];
    parameters.w.forEach((value, at) => {
      assert(Math.abs(value - expected[at]!) < 1e-6, `${value} and ${expected[at]}`);
    });
  });

  it('averages gradients and bounds their norm', () => {
    const gradients = { a: Float32Array.of(6, 0), b: Float32Array.of(8) };
    assert.equal(averageAndClip(gradients, 2, 10), 5);
    assert.deepEqual([...gradients.a, ...gradients.b], [3, 0, 4]);
    assert.equal(averageAndClip(gradients, 1, 1), 5);
    assert(Math.abs(Math.hypot(...gradients.a, ...gradients.b) - 1) < 1e-6);
  });

  it('warms up in a line and falls along a cosine', () => {
    const schedule = { learningRate: 1, warmupSteps: 4, totalSteps: 12 };
    const rates = Array.from({ length: 13 }, (_, step) => learningRateAt(step, schedule));
    assert.deepEqual(rates.slice(0, 5), [0.25, 0.5, 0.75, 1, 1]);
    assert(Math.abs(rates[8]! - 0.5) < 1e-12);
    assert.equal(rates[12], 0);
  });
});
