// A model directory that does not fit together is refused when it is loaded, with a message that names the fault.
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { loadBackbone } from '../../model/backbone.js';
import { parseConfig, readConfig, type ModelConfig } from '../../model/config.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';

describe('model directory', () => {
  let config: ModelConfig;
  let folder: string;
  before(async () => {
    config = await readConfig(TINY_DIRECTORY);
    folder = await mkdtemp(path.join(os.tmpdir(), 'model-'));
    await cp(TINY_DIRECTORY, folder, { recursive: true });
  });
  after(() => rm(folder, { recursive: true }));

  it('has a config.json in which every field is checked', () => {
    const wrong: [object, RegExp][] = [
      [{ format: 2 }, /format/],
      [{ hidden_size: 0 }, /hidden_size/],
      [{ vocab_size: '1024' }, /vocab_size/],
      [{ num_kv_heads: 3 }, /multiple/],
      [{ decoder_parents: [0] }, /one parent per layer/],
      [{ decoder_parents: [0, 99] }, /no layer/],
      [{ special: { ...config.special, '<|ctx|>': undefined } }, /ctx/],
      [{ newline: config.special['<|ctx|>'] }, /share an id/],
      [{ eos: config.vocab_size }, /not below vocab_size/],
      [{ fingerprint: 'abc' }, /fingerprint/],
      [{ files: { ...config.files, encoder: '../secret' } }, /encoder/],
      [{ fault_types: [] }, /fault_types/],
    ];
    for (const [change, message] of wrong) {
      const value: unknown = JSON.parse(JSON.stringify({ ...config, ...change }));
      assert.throws(() => parseConfig(value), { name: 'ModelError', code: 'config_invalid', message }, String(message));
    }
    assert.deepEqual(parseConfig({ ...config, later_field: 1 }).newline, config.newline);
    assert.throws(() => parseConfig(null), { code: 'config_invalid' });
  });

  const load = (): Promise<unknown> => loadBackbone({ directory: folder });
  const write = (name: string, contents: string): Promise<void> => writeFile(path.join(folder, name), contents);

  it('is refused if a file is missing or broken', async () => {
    await write('config.json', '{');
    await assert.rejects(load(), { code: 'config_invalid' });
    await write('config.json', JSON.stringify({ ...config, files: { ...config.files, decoder: 'none.onnx' } }));
    await assert.rejects(load(), { code: 'model_file_unreadable', message: /none\.onnx/ });
    await write('config.json', JSON.stringify({ ...config, files: { ...config.files, decoder: 'config.json' } }));
    await assert.rejects(load(), { code: 'graph_invalid' });
    await assert.rejects(loadBackbone({ directory: path.join(folder, 'none') }), { code: 'model_file_unreadable' });
  });

  it('is refused if the graphs have other shapes', async () => {
    await write('config.json', JSON.stringify({ ...config, head_dim: 8 }));
    await assert.rejects(load(), { code: 'graph_invalid', message: /memory_k_0 is \[.*\], not \[/ });
    await write('config.json', JSON.stringify({ ...config, adapter: { ...config.adapter, rank: 9 } }));
    await assert.rejects(load(), { code: 'graph_invalid', message: /adapter_down_0/ });
    const files = { ...config.files, decoder: config.files.encoder };
    await write('config.json', JSON.stringify({ ...config, files }));
    await assert.rejects(load(), { code: 'graph_invalid', message: /missing/ });
  });

  it('is of no use once closed', async () => {
    const backbone = await loadBackbone({ directory: TINY_DIRECTORY });
    await backbone.close();
    await backbone.close();
    await assert.rejects(backbone.encode([50]), { code: 'closed' });
  });
});
