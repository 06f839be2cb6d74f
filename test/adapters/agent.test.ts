// An agent's file is used only if it is whole, of this backbone and of the right shapes; its generation names its contents.
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { bareAgent, loadAgent, saveAgent, type Agent } from '../../adapters/agent.js';
import { readTensors, writeTensors, type NamedTensor } from '../../adapters/safetensors.js';
import { readConfig, type ModelConfig } from '../../model/config.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';

const FILE = path.join(TINY_DIRECTORY, 'golden-agent.safetensors');

describe('agents', () => {
  let config: ModelConfig;
  let folder: string;
  let agent: Agent;
  before(async () => {
    config = await readConfig(TINY_DIRECTORY);
    folder = await mkdtemp(path.join(os.tmpdir(), 'agents-'));
    agent = await loadAgent(FILE, config);
  });
  after(() => rm(folder, { recursive: true }));

  it('are views of the file’s tensors, layer by layer', () => {
    const { adapter, hidden_size: hidden, decoder_layers: layers, vocab_size: vocabulary } = config;
    assert.equal(agent.layers.length, layers);
    const last = agent.layers[layers - 1]!;
    assert.equal(last.down.length, hidden * adapter.rank);
    assert.equal(last.down.buffer, agent.tensors.adapter_down.buffer);
    assert.equal(last.down.byteOffset, (layers - 1) * hidden * adapter.rank * 4);
    assert.equal(last.up.at(-1), agent.tensors.adapter_up.at(-1));
    assert.equal(last.gateWeight.length, hidden);
    assert.equal(last.gateBias[0], agent.tensors.gate_b[layers - 1]);
    const perLayer = 2 * hidden * adapter.rank + hidden + 1;
    assert.equal(agent.parameters, layers * perLayer + adapter.head_rank * (hidden + vocabulary));
    assert.equal(agent.name, 'code-generation');
    assert.deepEqual(agent.figures, {});
  });

  it('have a generation that depends on every number and on the metadata, not on the file', async () => {
    const copy = path.join(folder, 'copy.safetensors');
    await copyFile(FILE, copy);
    assert.equal((await loadAgent(copy, config)).generation, agent.generation);
    assert.match(agent.generation, /^[0-9a-f]{64}$/);
    const contents = await readTensors(FILE);
    await writeTensors(copy, contents);
    assert.equal((await loadAgent(copy, config)).generation, agent.generation);

    const gates = Float32Array.from(agent.tensors.gate_b);
    gates[0]! += 1e-3;
    const description = { name: agent.name, backbone: config.fingerprint };
    const saved = await saveAgent(copy, agent.tensors, description, config, 'F32');
    const changed = await saveAgent(copy, { ...agent.tensors, gate_b: gates }, description, config, 'F32');
    const figures = await saveAgent(copy, agent.tensors, { ...description, figures: { loss: 0.4 } }, config, 'F32');
    assert.equal(saved.generation, agent.generation);
    assert.notEqual(changed.generation, saved.generation);
    assert.notEqual(figures.generation, saved.generation);
    assert.deepEqual(figures.figures, { loss: 0.4 });
  });

  it('can be bare, and saved in half precision', async () => {
    const bare = bareAgent(config);
    assert(bare.layers.every((layer) => layer.down.every((value) => value === 0)));
    const file = path.join(folder, 'half.safetensors');
    const saved = await saveAgent(
      file,
      agent.tensors,
      { name: 'issue-analysis', backbone: config.fingerprint },
      config,
    );
    assert.equal(saved.name, 'issue-analysis');
    saved.tensors.head_up.forEach((value, at) => {
      assert(Math.abs(value - agent.tensors.head_up[at]!) <= Math.abs(value) / 1024 + 1e-7);
    });
  });

  /** Loads the agent's file after a change of its contents. */
  async function changed(
    change: (tensors: Map<string, NamedTensor>, metadata: Record<string, string>) => void,
    expected?: 'issue-analysis' | 'code-generation',
  ): Promise<Agent> {
    const contents = await readTensors(FILE);
    const tensors = new Map(contents.tensors);
    const metadata = { ...contents.metadata };
    change(tensors, metadata);
    const file = path.join(folder, 'changed.safetensors');
    await writeTensors(file, { tensors, metadata });
    return loadAgent(file, config, expected);
  }

  it('are refused if they are for something else', async () => {
    const refused = (code: string): { name: string; code: string } => ({ name: 'AgentError', code });
    await assert.rejects(
      changed((_, meta) => (meta['format'] = '2')),
      refused('agent_wrong_format'),
    );
    await assert.rejects(
      changed((_, meta) => delete meta['format']),
      refused('agent_wrong_format'),
    );
    await assert.rejects(
      changed((_, meta) => (meta['agent'] = 'other')),
      refused('agent_wrong_name'),
    );
    await assert.rejects(
      changed((_, meta) => (meta['backbone'] = '0'.repeat(64))),
      refused('agent_wrong_backbone'),
    );
    await assert.rejects(
      changed((tensors) => tensors.delete('gate_w')),
      { ...refused('agent_missing_tensor'), message: /gate_w is missing/ },
    );
    const extra = { shape: [1], data: new Float32Array(1) };
    await assert.rejects(
      changed((tensors) => tensors.set('constructor', extra)),
      refused('agent_unknown_tensor'),
    );
    await assert.rejects(
      changed((tensors) => tensors.set('gate_b', extra)),
      refused('agent_wrong_shape'),
    );
    await assert.rejects(
      changed(() => undefined, 'issue-analysis'),
      refused('agent_wrong_name'),
    );
    assert.equal((await changed(() => undefined, 'code-generation')).generation, agent.generation);
  });

  it('are refused if their contents are broken', async () => {
    const malformed = { name: 'AgentError', code: 'agent_malformed' };
    for (const value of [NaN, Infinity, -Infinity]) {
      await assert.rejects(
        changed((tensors) => {
          const { shape, data } = tensors.get('head_down')!;
          tensors.set('head_down', { shape, data: Float32Array.from(data, (old, at) => (at === 5 ? value : old)) });
        }),
        { ...malformed, code: 'agent_not_finite' },
      );
    }
    await assert.rejects(
      changed((_, meta) => (meta['figures'] = '{')),
      malformed,
    );
    await assert.rejects(
      changed((_, meta) => (meta['lineage'] = '[]')),
      malformed,
    );
    await assert.rejects(
      changed((_, meta) => (meta['generation'] = '0'.repeat(64))),
      { ...malformed, code: 'agent_corrupted' },
    );
    for (const probe of ['{', '{}', '{"source":[1],"tokens":[1,2],"top":[1],"logits":[1]}']) {
      await assert.rejects(
        changed((_, meta) => (meta['probe'] = probe)),
        malformed,
      );
    }
    await assert.rejects(loadAgent(path.join(folder, 'none'), config), { code: 'agent_unreadable' });
    await assert.rejects(loadAgent(path.join(TINY_DIRECTORY, 'config.json'), config), {
      ...malformed,
      code: 'agent_bad_magic',
    });
  });
});
