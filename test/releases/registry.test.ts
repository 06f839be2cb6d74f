// Proves: a request keeps its pair to the end, a swap is visible to the next one, and agents are forgotten when nothing needs them.
import { strict as assert } from 'node:assert';
import type { AgentPayload } from '../../server/inference/messages.js';
import { releaseOf } from '../../server/inference/release.js';
import { ReleaseRegistry } from '../../server/releases/registry.js';
import { promoted, published, rolledBack, type ReleaseState } from '../../server/releases/state.js';

const first = releaseOf('a1', 'c1');
const second = releaseOf('a1', 'c2');
const third = releaseOf('a1', 'c3');

function payload(generation: string): AgentPayload {
  return { generation, tensors: {} };
}

describe('release registry', () => {
  let held: Set<string>;
  let registry: ReleaseRegistry;
  let state: ReleaseState;
  beforeEach(() => {
    held = new Set(['a1', 'c1']);
    registry = new ReleaseRegistry({
      addAgents: (agents) => {
        for (const { generation } of agents) held.add(generation);
      },
      dropAgents: (generations) => {
        for (const generation of generations) assert.ok(held.delete(generation));
      },
      serve: () => undefined,
    });
    state = { stable: first, canary: null, previous: [] };
    registry.begin(state);
  });
  const publish = (release: typeof first, generation: string): void => {
    registry.hold([payload(generation)]);
    state = published(state, 'stable', release, 1);
    registry.change(state);
  };

  it('a request keeps its pair while others are published; then it is forgotten', () => {
    const lease = registry.pin('x');
    publish(second, 'c2');
    publish(third, 'c3');
    assert.equal(registry.pin('x').release, third);
    assert.equal(lease.release, first);
    assert.deepEqual([...held].sort(), ['a1', 'c1', 'c2', 'c3']);
    lease.end();
    lease.end();
    assert.deepEqual([...held].sort(), ['a1', 'c2', 'c3']);
  });

  it('keeps what one rollback goes back to, and nothing else', () => {
    publish(second, 'c2');
    state = rolledBack(state, 'stable')!;
    registry.change(state);
    assert.deepEqual([...held].sort(), ['a1', 'c1']);
    assert.equal(registry.pin('x').release, first);
    assert.equal(rolledBack(state, 'stable'), undefined);
  });

  it('1,000 swaps leave as many agents as one', () => {
    for (let index = 0; index < 1000; index++) {
      const lease = registry.pin(String(index));
      publish(releaseOf('a1', `n${index}`), `n${index}`);
      lease.end();
      assert.ok(held.size <= 4);
    }
    assert.equal(held.size, 3);
  });

  it('the swap itself takes less than 0.1 ms', () => {
    registry.hold([payload('c2')]);
    const other = published(state, 'stable', second, 1);
    const durations = Array.from({ length: 1001 }, (_, index) => {
      const started = performance.now();
      registry.change(index % 2 === 0 ? other : { ...state, previous: [second] });
      return performance.now() - started;
    });
    const median = durations.sort((a, b) => a - b)[500]!;
    assert.ok(median < 0.1, `${median} ms`);
  });

  it('splits by key: sticky, by weight, and a higher weight only adds keys', () => {
    registry.hold([payload('c2')]);
    const keys = Array.from({ length: 4000 }, (_, index) => `key ${index}`);
    const drawn = (weight: number): Set<string> => {
      registry.change(published(state, 'canary', second, weight));
      return new Set(
        keys.filter((key) => {
          const lease = registry.pin(key);
          lease.end();
          return lease.label === 'canary';
        }),
      );
    };
    const tenth = drawn(0.1);
    const third = drawn(0.3);
    assert.ok(Math.abs(tenth.size - 400) < 80, String(tenth.size));
    assert.ok(Math.abs(third.size - 1200) < 120, String(third.size));
    for (const key of tenth) assert.ok(third.has(key));
    assert.deepEqual(drawn(0.1), tenth);
    assert.equal(drawn(0).size, 0);
    assert.equal(drawn(1).size, 4000);
  });

  it('promotion makes the canary stable and remembers the release before', () => {
    const withCanary = published(state, 'canary', second, 0.5);
    assert.deepEqual(promoted(withCanary), { stable: second, canary: null, previous: [first] });
    assert.equal(promoted(state), undefined);
    assert.deepEqual(rolledBack(withCanary, 'canary'), state);
  });
});
