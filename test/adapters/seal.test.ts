// Proves: an agent's file as Python exports it can be read, and once sealed every changed bit and another backbone's answers are noticed.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { loadAgent } from '../../adapters/agent.js';
import { checkAgent } from '../../adapters/check-agent.js';
import { sealAgent } from '../../adapters/seal-agent.js';
import { readTensors } from '../../adapters/safetensors.js';
import { loadBackbone, type Backbone } from '../../model/backbone.js';
import { packageRoot } from '../../server/config.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';

/** Written by Python's safetensors: no seal, no probe. */
const EXPORTED = path.join(TINY_DIRECTORY, 'issue-analysis.safetensors');

describe('sealing an exported agent', () => {
  let backbone: Backbone;
  let folder: string;
  let file: string;
  before(async () => {
    backbone = await loadBackbone({ directory: TINY_DIRECTORY });
    folder = await mkdtemp(path.join(os.tmpdir(), 'seal-'));
    file = path.join(folder, 'agent.safetensors');
  });
  beforeEach(() => copyFile(EXPORTED, file));
  after(async () => {
    await backbone.close();
    await rm(folder, { recursive: true });
  });

  it('adds seal and probe and keeps the numbers; sealed again it is the same', async () => {
    const exported = await loadAgent(file, backbone.config);
    assert.equal(exported.probe, undefined);
    const sealed = await sealAgent(file, backbone);
    assert.deepEqual(sealed.tensors, exported.tensors);
    assert.equal((await readTensors(file)).metadata['generation'], sealed.generation);
    await checkAgent(backbone, sealed);
    const bytes = await readFile(file);
    assert.equal((await sealAgent(file, backbone)).generation, sealed.generation);
    assert.deepEqual(await readFile(file), bytes);
  });

  it('keeps numbers that need single precision', async () => {
    await copyFile(path.join(TINY_DIRECTORY, 'golden-agent.safetensors'), file);
    const { tensors } = await loadAgent(file, backbone.config);
    assert.deepEqual((await sealAgent(file, backbone)).tensors, tensors);
  });

  it('makes a flipped bit anywhere in the numbers visible, which it is not before', async () => {
    const flip = async (): Promise<void> => {
      const bytes = await readFile(file);
      bytes[bytes.length - 100]! ^= 1;
      await writeFile(file, bytes);
    };
    await flip();
    await loadAgent(file, backbone.config);
    await copyFile(EXPORTED, file);
    await sealAgent(file, backbone);
    await flip();
    await assert.rejects(loadAgent(file, backbone.config), { code: 'agent_corrupted' });
  });

  it('is refused when another agent answers than the recorded one', async () => {
    const sealed = await sealAgent(file, backbone);
    const other = await loadAgent(path.join(TINY_DIRECTORY, 'code-generation.safetensors'), backbone.config);
    await assert.rejects(checkAgent(backbone, { ...other, probe: sealed.probe }), { code: 'agent_probe_mismatch' });
  });

  it('is a command, which leaves a file that cannot serve as it is', async () => {
    const run = (target: string): Promise<{ stdout: string }> =>
      promisify(execFile)(process.execPath, [
        path.join(packageRoot, 'dist/training/seal/main.js'),
        '--model-dir',
        TINY_DIRECTORY,
        target,
      ]);
    const printed = JSON.parse((await run(file)).stdout) as { agent: string; generation: string };
    assert.deepEqual(printed, { file, agent: 'issue-analysis', generation: printed.generation });
    assert.equal((await loadAgent(file, backbone.config)).generation, printed.generation);
    const bytes = (await readFile(file)).subarray(0, -10);
    await writeFile(file, bytes);
    await assert.rejects(run(file), { code: 1, stderr: /^agent_truncated: / });
    assert.deepEqual(await readFile(file), bytes);
  });
});
