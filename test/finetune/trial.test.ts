// The gate tries a copy of a candidate as a server would; a candidate that another program trained otherwise does not pass.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadAgent } from '../../adapters/agent.js';
import { withLineage } from '../../adapters/lineage.js';
import { readConfig } from '../../model/config.js';
import { probeOf } from '../../training/finetune/probe.js';
import { tryCandidate } from '../../training/finetune/trial.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { saveRandomAgent } from '../releases/tiny-agents.js';

describe('trial of a candidate', () => {
  let folder: string;
  const sequence = { row: 0, sourceIds: [40, 41, 42], ids: [16, 40, 41], labels: 2 };

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'trial-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('serves with the output that was recorded, and leaves file and folder as they were', async () => {
    const { agent } = await saveRandomAgent(folder, 'code-generation', 1);
    const probe = await probeOf(TINY_DIRECTORY, 1, agent, sequence);
    assert.equal(probe.logits.length, 3);
    const { file } = await saveRandomAgent(folder, 'code-generation', 1, { probe });
    const bytes = await readFile(file);
    assert.deepEqual(await tryCandidate(file, TINY_DIRECTORY), { fault: null });
    assert.deepEqual(await readFile(file), bytes);
    const other = { ...probe, logits: probe.logits.map((logit) => logit + 9) };
    const wrong = await saveRandomAgent(folder, 'code-generation', 1, { probe: other });
    assert.equal((await tryCandidate(wrong.file, TINY_DIRECTORY)).fault?.code, 'agent_probe_mismatch');
  });

  it('says what is wrong with a file', async () => {
    const { file } = await saveRandomAgent(folder, 'issue-analysis', 2);
    const bytes = await readFile(file);
    bytes[bytes.length - 100]! ^= 1;
    await writeFile(file, bytes);
    const { TMPDIR } = process.env;
    process.env['TMPDIR'] = path.join(folder, 'empty');
    await mkdir(path.join(folder, 'empty'));
    try {
      assert.equal((await tryCandidate(file, TINY_DIRECTORY)).fault?.code, 'agent_corrupted');
      assert.deepEqual(await readdir(tmpdir()), []);
    } finally {
      if (TMPDIR === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = TMPDIR;
    }
  });

  it('keeps an agent as it is when its lineage grows', async () => {
    const lineage = { parent: 'p' };
    const { file, agent } = await saveRandomAgent(folder, 'code-generation', 3, { lineage });
    const target = path.join(folder, 'grown.safetensors');
    const generation = await withLineage(file, target, { forced: ['too little'] });
    const grown = await loadAgent(target, await readConfig(TINY_DIRECTORY), 'code-generation');
    assert.equal(grown.generation, generation);
    assert.notEqual(generation, agent.generation);
    assert.deepEqual(grown.lineage, { parent: 'p', forced: ['too little'] });
    assert.deepEqual(grown.tensors, agent.tensors);
  });
});
