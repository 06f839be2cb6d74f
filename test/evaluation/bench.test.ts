import assert from 'node:assert/strict';
import { Answering } from '../../bench/answering.js';
import { knownRequest, type KnownRequest } from '../../bench/request.js';
import { missingForRival } from '../../bench/rival.js';
import { medianRatio, rounds } from '../../bench/timing.js';
import type { Feed } from '../../model/decoder-state.js';
import { tinyEngine } from '../pipeline/tiny-engine.js';

const INPUT = 512;
const OUTPUT = 250;

describe('bench', () => {
  let engine: Awaited<ReturnType<typeof tinyEngine>>;
  let request: KnownRequest;

  before(async () => {
    engine = await tinyEngine();
    request = await knownRequest(engine.backbone.tokenizer, INPUT);
  });

  after(() => engine.close());

  it('asks about exactly as many tokens as it says, with a known answer that is long enough', () => {
    assert.equal(request.source.length, INPUT);
    assert(request.analysis.length + request.patch.length >= OUTPUT);
  });

  it('writes exactly as many tokens as it says, each counted once', async () => {
    const { backbone, agents } = engine;
    const memory = await backbone.encode(request.source.slice(0, backbone.config.max_source_tokens));
    const answering = new Answering(backbone, request);
    for (const mode of ['known', 'own', 'unaided'] as const) {
      const { forced, drafted, sampled, runs } = await answering.write(memory, agents, mode, OUTPUT);
      assert.equal(forced + drafted + sampled, OUTPUT, mode);
      assert(runs >= sampled, mode);
      if (mode === 'unaided') assert.deepEqual([forced, drafted, sampled], [0, 0, OUTPUT]);
      if (mode === 'known') assert(forced > 0 && drafted > 0);
    }
  });

  it('writes the known answer itself when it is told to', async () => {
    const { backbone, agents } = engine;
    const memory = await backbone.encode(request.source.slice(0, backbone.config.max_source_tokens));
    const fed: number[][] = [];
    await new Answering(backbone, request).write(memory, agents, 'known', OUTPUT, (from, agent) => {
      const state = backbone.open(from, agent);
      const step = state.step.bind(state);
      state.step = async (feeds: readonly Feed[]) => {
        const logits = await step(feeds);
        fed.push([...feeds[0]!.row.tokens]);
        return logits;
      };
      return state;
    });
    const { analyse } = backbone.tokenizer.special;
    const whole = [analyse, ...request.analysis, ...request.patch];
    const last = fed[fed.length - 1]!;
    const known = last.slice(0, OUTPUT - 20);
    assert.deepEqual(known, whole.slice(0, known.length));
  });

  it('measures all in each round and drops the first', async () => {
    const order: string[] = [];
    const contestant = (name: string, wall: number) => async () => {
      order.push(name);
      return { wall: wall * order.length, cpu: wall };
    };
    const { a, b } = await rounds(2, { a: contestant('a', 1), b: contestant('b', 2) });
    assert.deepEqual(order, ['b', 'a', 'a', 'b', 'b', 'a']);
    assert.equal(a?.length, 2);
    assert.equal(medianRatio(a, b!, 'cpu'), 0.5);
  });

  it('says what the comparison needs', () => {
    const missing = missingForRival('/nowhere/model.gguf').join('\n');
    assert.match(missing, /\/nowhere\/model\.gguf is not there: python bench\/prepare\.py/);
  });
});
