// Both agents in one run: both learn, in turns that the seed decides, each alone in its file; an interruption changes nothing.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadAgent } from '../../adapters/agent.js';
import { REQUIRED_AGENTS } from '../../agents/names.js';
import { readConfig } from '../../model/config.js';
import { interleaved } from '../../training/finetune/batches.js';
import { finetune } from '../../training/finetune/finetune.js';
import { startsOf, type FinetuneOptions } from '../../training/finetune/options.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { tinyRows } from './tiny-rows.js';

describe('training both agents together', function () {
  // Several whole runs; other tests may hold the cores.
  this.timeout(300_000);
  let folder: string;
  const inFolder = (name: string): string => path.join(folder, name);

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'joint-'));
    const rows = tinyRows(30).trim().split('\n');
    // One row of the code agent alone.
    const withoutAnalysis = JSON.stringify({ ...(JSON.parse(rows[0]!) as object), analysis_ids: [] });
    await writeFile(inFolder('rows.jsonl'), [withoutAnalysis, ...rows.slice(1)].join('\n'));
  });
  after(() => rm(folder, { recursive: true }));

  const options = (work: string, seed = 5): FinetuneOptions => ({
    agents: startsOf('both', TINY_DIRECTORY),
    rows: inFolder('rows.jsonl'),
    shares: { valid: 0.2, heldOut: 0.2 },
    modelDir: TINY_DIRECTORY,
    work: inFolder(work),
    threads: 1,
    ownAnalyses: 0,
    generate: 0,
    settings: {
      epochs: 3,
      batch: 4,
      microBatch: 4,
      learningRate: 6e-3,
      warmupSteps: 2,
      weightDecay: 0.01,
      clipNorm: 1,
      patience: 3,
      seed,
    },
    resume: false,
    margin: 1,
  });

  it('teaches both, in turns, and writes a candidate and a verdict for each', async () => {
    const { agents, training, rows } = await finetune(options('whole'));
    assert.deepEqual(
      agents.map(({ agent }) => agent),
      [...REQUIRED_AGENTS],
    );
    const config = await readConfig(TINY_DIRECTORY);
    for (const { agent, held_out, file, generation, parent, gate, parameter_locality } of agents) {
      assert(held_out.after.cross_entropy < held_out.before.cross_entropy, agent);
      assert(gate.publishable, gate.reasons.join());
      assert.equal(parameter_locality.agent_tensors_changed.length, 6);
      assert.deepEqual(parameter_locality.files_changed, []);
      const candidate = await loadAgent(file, config, agent);
      assert.deepEqual([candidate.generation, candidate.lineage['parent']], [generation, parent]);
    }
    assert.deepEqual([agents[0]!.rows.train, agents[1]!.rows.train], [rows.train - 1, rows.train]);
    const epoch = training.steps.filter((step) => step.epoch === 1).map(({ agent }) => agent);
    const turns = epoch.filter((agent, at) => at > 0 && agent !== epoch[at - 1]).length;
    assert(turns > 1, epoch.join());
    for (const { agent } of agents) {
      assert.equal(training.updates[agent], training.steps.filter((step) => step.agent === agent).length);
    }
    for (const { valid_loss, agents: each } of training.validations) {
      const losses = REQUIRED_AGENTS.map((name) => each[name]!.valid_loss);
      assert(Math.abs(valid_loss - (losses[0]! + losses[1]!) / 2) < 1e-12);
    }
    const report = await readFile(inFolder('whole/report.md'), 'utf8');
    assert.match(report, /issue-analysis and code-generation, trained together/);
    for (const [, file] of report.matchAll(/!\[[^\]]+\]\((\S+)\)/g)) {
      assert.match(await readFile(inFolder(`whole/${file!}`), 'utf8'), /^<svg /);
    }
    assert.match(report, /\(training\.svg\)[^]*\(held-out\.svg\)/);
  });

  it('gives the same after an interruption, bit for bit, and another order with another seed', async () => {
    const whole = await finetune(options('unbroken'));
    const interrupt = new AbortController();
    await assert.rejects(
      finetune({
        ...options('parts'),
        signal: interrupt.signal,
        onReport: (line) => {
          if ('train_loss' in line && line.step === 12) interrupt.abort();
        },
      }),
      { code: 'aborted' },
    );
    const resumed = await finetune({ ...options('parts'), resume: true });
    const of = ({ agents }: typeof whole): unknown[] =>
      agents.map(({ generation, held_out }) => [generation, held_out]);
    assert.deepEqual(of(resumed), of(whole));
    const order = ({ training }: typeof whole): string[] => training.steps.map(({ agent }) => agent);
    assert.deepEqual(order(resumed), order(whole), 'the history is whole');
    assert.notDeepEqual(order(await finetune(options('other', 6))), order(whole));
  });
});

describe('lists put together', () => {
  it('keep their own order, and that of a single one does not change', () => {
    const lists = [
      [1, 2, 3, 4, 5, 6],
      [11, 12, 13, 14],
    ];
    const mixed = interleaved(lists, { seed: 1, epoch: 0 });
    assert.deepEqual(
      mixed.filter((value) => value < 10),
      lists[0],
    );
    assert.deepEqual(
      mixed.filter((value) => value > 10),
      lists[1],
    );
    assert.notDeepEqual(mixed, lists.flat());
    assert.deepEqual(mixed, interleaved(lists, { seed: 1, epoch: 0 }));
    assert.notDeepEqual(mixed, interleaved(lists, { seed: 1, epoch: 1 }));
    assert.deepEqual(interleaved([[1, 2, 3]], { seed: 1, epoch: 0 }), [1, 2, 3]);
  });
});
