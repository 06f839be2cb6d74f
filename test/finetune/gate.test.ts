// Better is what is better by a margin, beyond chance, and changed nothing else.
import assert from 'node:assert/strict';
import { judge } from '../../training/finetune/gate.js';
import type { Sums } from '../../training/finetune/graphs.js';
import { pairedDifference } from '../../training/finetune/paired-bootstrap.js';

/** Rows of ten tokens with these losses, five tokens right. */
const measured = (...losses: number[]): Sums[] => losses.map((loss) => ({ loss, correct: 5, count: 10 }));

describe('gate', () => {
  const trial = { fault: null };
  const before = measured(30, 20, 10, 40, 25, 15);

  it('lets pass what is better on every row', () => {
    const difference = pairedDifference(before, measured(27, 18, 9, 36, 22.5, 13.5), 0);
    assert(Math.abs(difference.improvement_percent.value - 10) < 1e-9);
    assert(Math.abs(difference.cross_entropy.value - 14 / 60) < 1e-9);
    // Every row is better by the same share, so every draw is.
    assert(Math.abs(difference.improvement_percent.low - 10) < 1e-9);
    assert.equal(difference.accuracy_points.value, 0);
    assert.deepEqual(judge({ difference, margin: 1, filesChanged: [], trial }), { publishable: true, reasons: [] });
  });

  it('refuses what may be chance, too little, or not alone', () => {
    const mixed = pairedDifference(before, measured(20, 28, 5, 45, 20, 20), 0);
    assert(mixed.cross_entropy.low < 0 && mixed.cross_entropy.high > 0);
    assert.match(judge({ difference: mixed, margin: 0, filesChanged: [], trial }).reasons.join(), /may be chance/);
    const better = pairedDifference(before, measured(27, 18, 9, 36, 22.5, 13.5), 0);
    assert.match(judge({ difference: better, margin: 11, filesChanged: [], trial }).reasons.join(), /less than 11 %/);
    assert.match(
      judge({ difference: better, margin: 1, filesChanged: ['decoder.bin'], trial }).reasons.join(),
      /decoder\.bin/,
    );
    const fault = { code: 'agent_probe_mismatch', message: 'Another output.' };
    const verdict = judge({ difference: better, margin: 1, filesChanged: [], trial: { fault } });
    assert.match(verdict.reasons.join(), /does not serve: agent_probe_mismatch/);
  });

  it('gives the same intervals for the same seed', () => {
    const after = measured(20, 28, 5, 45, 20, 20);
    assert.deepEqual(pairedDifference(before, after, 3), pairedDifference(before, after, 3));
  });
});
