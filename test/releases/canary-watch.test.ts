// Proves: a canary is given up when its answers are worse or slower than those of stable, and only on enough of them.
import { strict as assert } from 'node:assert';
import type { Outcome } from '../../server/metrics.js';
import { CanaryWatch } from '../../server/releases/canary-watch.js';
import type { Label } from '../../server/releases/state.js';

describe('canary watch', () => {
  const reasons: string[] = [];
  let watch: CanaryWatch;
  beforeEach(() => {
    reasons.length = 0;
    watch = new CanaryWatch({ minRequests: 10, margin: 0.1, slowdown: 1.5 }, (reason) => reasons.push(reason));
  });
  const observe = (label: Label, count: number, outcome: Outcome, seconds: number): void => {
    for (let index = 0; index < count; index++) watch.observe(label, outcome, seconds);
  };

  it('lets a canary go on that is as good', () => {
    observe('stable', 100, 'applies', 1);
    observe('canary', 100, 'applies', 1.4);
    assert.deepEqual(reasons, []);
  });

  it('waits for enough requests of both', () => {
    observe('canary', 100, 'failed', 1);
    observe('stable', 9, 'applies', 1);
    assert.deepEqual(reasons, []);
    observe('stable', 1, 'applies', 1);
    assert.equal(reasons.length, 1);
  });

  for (const outcome of ['abstained', 'failed', 'syntax_error', 'deadline'] as const) {
    it(`gives up a canary whose requests end as ${outcome}`, () => {
      observe('stable', 10, 'applies', 1);
      observe('canary', 10, outcome, 1);
      assert.match(
        reasons[0] ?? '',
        /^quality: 0\.0 % of its answers apply, 100\.0 % of those of stable, after 10 req/,
      );
    });
  }

  it('gives up a canary that is slow, and forgets it then', () => {
    observe('stable', 10, 'applies', 1);
    observe('canary', 10, 'applies', 1.6);
    assert.match(reasons[0] ?? '', /^latency: 1\.600 s in the mean, stable 1\.000 s/);
    watch.reset();
    observe('canary', 9, 'applies', 9);
    assert.equal(reasons.length, 1);
  });

  it('does not count clients that left', () => {
    observe('stable', 10, 'applies', 1);
    observe('canary', 50, 'cancelled', 1);
    assert.deepEqual(reasons, []);
  });
});
