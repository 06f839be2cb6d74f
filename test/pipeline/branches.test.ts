/** Patches branch off where the other token is likeliest, and never into what is written already; time ends a search. */
import assert from 'node:assert/strict';
import { BranchQueue } from '../../pipeline/branches.js';
import { TimeBudget } from '../../pipeline/budget.js';

const SKIPPED = 99;
const trunk = (
  index: number,
  tokens: number[],
  others: [position: number, token: number, logprob: number][],
  prior = 0,
) => ({
  index,
  tokens,
  logprobs: tokens.map(() => -0.1),
  runnersUp: others.map(([position, token, logprob]) => ({ position, token, logprob })),
  prior,
});

describe('branches', () => {
  it('come by the probability of all that is before them', () => {
    const queue = new BranchQueue(new Set([SKIPPED]));
    queue.add(
      trunk(
        0,
        [1, 2, 3],
        [
          [0, 7, -3],
          [1, 8, -0.5],
          [1, 9, -2.95],
          [2, SKIPPED, -0.1],
        ],
      ),
    );
    queue.add(trunk(1, [5, 6], [[1, 7, -0.1]], -2));
    const taken = queue.take(3).map(({ trunk: from, token }) => [from, token]);
    assert.deepEqual(taken, [
      [0, 8],
      [1, 7],
      [0, 7],
    ]);
    assert.deepEqual(
      queue.take(9).map(({ token }) => token),
      [9],
    );
    assert.deepEqual(queue.take(1), []);
  });

  it('do not lead to what another trunk says, queued before or after', () => {
    const queue = new BranchQueue(new Set());
    queue.add(trunk(0, [1, 2], [[1, 3, -1]]));
    queue.add(
      trunk(
        1,
        [1, 3],
        [
          [1, 2, -1],
          [1, 4, -1],
        ],
      ),
    );
    assert.deepEqual(
      queue.take(9).map(({ token }) => token),
      [4],
    );
  });
});

describe('time budget', () => {
  it('is over once its time is, and remembers that somebody was told', () => {
    const endless = new TimeBudget(undefined);
    assert.deepEqual([endless.isOver(), endless.cutShort], [false, false]);
    const none = new TimeBudget(0);
    assert.equal(none.cutShort, false);
    assert.deepEqual([none.isOver(), none.cutShort], [true, true]);
  });
});
