// Proves: once the flag is set no further run of a graph begins, wherever in a request that is.
import { strict as assert } from 'node:assert';
import type { Backbone } from '../../model/backbone.js';
import { createPatches } from '../../pipeline/pipeline.js';
import { stoppable } from '../../server/inference/stop-flag.js';
import { tinyEngine } from '../pipeline/tiny-engine.js';
import { body } from './helpers.js';

/** A backbone that counts its runs, of the encoder and of the decoder. */
function counting(backbone: Backbone, onRun: () => void): Backbone {
  return {
    config: backbone.config,
    tokenizer: backbone.tokenizer,
    encode: (ids, signal) => {
      onRun();
      return backbone.encode(ids, signal);
    },
    open: (memory, agent) => {
      const state = backbone.open(memory, agent);
      const step = state.step.bind(state);
      state.step = (feeds, signal) => {
        signal?.throwIfAborted();
        onRun();
        return step(feeds, signal);
      };
      return state;
    },
    close: () => backbone.close(),
  };
}

describe('stop flag', () => {
  it('stops the work at the run after the one in which it is set, wherever that is', async () => {
    const engine = await tinyEngine();
    const runsUntil = async (last: number): Promise<number> => {
      const stop = new AbortController();
      let runs = 0;
      const backbone = stoppable(
        counting(engine.backbone, () => (runs += 1)),
        () => runs >= last,
        () => {
          stop.abort();
        },
      );
      const work = createPatches({ ...engine, backbone }, { ...body, max_new_tokens: 16 }, { signal: stop.signal });
      if (last === Infinity) await work;
      else await assert.rejects(work);
      return runs;
    };
    const all = await runsUntil(Infinity);
    assert.ok(all > 20, `${all} runs`);
    // The encoder, both agents' first steps and places in between.
    for (let last = 1; last < all; last += Math.ceil(all / 8)) assert.equal(await runsUntil(last), last);
    await engine.close();
  });
});
