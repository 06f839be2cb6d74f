// The graphs, run by the engine, give PyTorch's numbers: tokenizer, encoder memory, prefill, step decoding, agents off and on.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { bareAgent, loadAgent, type Agent } from '../../adapters/agent.js';
import { loadBackbone, type Backbone, type Memory } from '../../model/backbone.js';
import { EncodedMemory } from '../../model/memory.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';

interface Sample {
  shape: number[];
  index: number[];
  value: number[];
}

interface Golden {
  tokenizer: { text: string; ids: number[] }[];
  source: number[];
  target: number[];
  memory: Record<string, Sample>;
  decoder: Record<'bare' | 'agent', { logits: Sample[]; argmax: number[]; router_gate_mean: number }>;
}

/**
 * Largest difference allowed, as a share of the largest value compared. The graph multiplies int8 activations
 * (MatMulNBits, accuracy level 4) where PyTorch multiplies float32, so the numbers agree to about a percent.
 */
const TOLERANCE = 0.03;
/** The same for the root of the mean square of the differences. */
const MEAN_TOLERANCE = 0.01;

function assertClose(actual: Float32Array, sample: Sample, what: string): void {
  assert.equal(
    actual.length,
    sample.shape.reduce((product, size) => product * size, 1),
  );
  const scale = Math.max(...sample.value.map(Math.abs));
  const differences = sample.index.map((at, i) => Math.abs(actual[at]! - sample.value[i]!) / scale);
  const largest = Math.max(...differences);
  const mean = Math.sqrt(differences.reduce((sum, value) => sum + value * value, 0) / differences.length);
  assert(largest < TOLERANCE && mean < MEAN_TOLERANCE, `${what}: largest ${largest}, mean ${mean}`);
}

describe('the engine against PyTorch', () => {
  let golden: Golden;
  let backbone: Backbone;
  let agents: Record<'bare' | 'agent', Agent>;
  let memory: Memory;

  before(async () => {
    golden = JSON.parse(await readFile(path.join(TINY_DIRECTORY, 'golden.json'), 'utf8')) as Golden;
    backbone = await loadBackbone({ directory: TINY_DIRECTORY });
    agents = {
      bare: bareAgent(backbone.config),
      agent: await loadAgent(path.join(TINY_DIRECTORY, 'golden-agent.safetensors'), backbone.config),
    };
    memory = await backbone.encode(golden.source);
  });
  after(() => backbone.close());

  it('gives the ids of the Python tokenizer, and the text back', () => {
    for (const { text, ids } of golden.tokenizer) {
      assert.deepEqual(backbone.tokenizer.encodeText(text), ids, JSON.stringify(text));
      assert.equal(backbone.tokenizer.decode(ids), text);
    }
  });

  it('encodes to the same memory', () => {
    assert.equal(memory.sourceLength, golden.source.length);
    assert(memory instanceof EncodedMemory);
    for (const [name, sample] of Object.entries(golden.memory)) {
      const actual = memory.feeds[`memory_${name}`]!.data as Float32Array;
      assertClose(actual, sample, `memory_${name}`);
    }
  });

  for (const name of ['bare', 'agent'] as const) {
    for (const [how, chunk] of [
      ['in one step', 12],
      ['token by token', 1],
      ['in chunks of five', 5],
    ] as const) {
      it(`decodes to the same logits ${how}, ${name === 'bare' ? 'without' : 'with'} an agent`, async () => {
        const expected = golden.decoder[name];
        const state = backbone.open(memory, agents[name]);
        const row = state.row();
        const logits: Float32Array[] = [];
        for (let at = 0; at < golden.target.length; at += chunk) {
          const tokens = golden.target.slice(at, at + chunk);
          const [result] = await state.step([{ row, tokens, logits: tokens.length }]);
          logits.push(...result!);
        }
        logits.forEach((actual, position) => {
          assertClose(actual, expected.logits[position]!, `token ${position}`);
        });
        assert.deepEqual(row.tokens, golden.target);
        assert(Math.abs(state.routerGateMean - expected.router_gate_mean) < 0.005);
        state.close();
      });
    }
  }
});
