// A whole fine-tuning on the tiny model: it learns, changes nothing but its agent, can be interrupted, and keeps the best.
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadAgent } from '../../adapters/agent.js';
import { readTensors } from '../../adapters/safetensors.js';
import { readConfig } from '../../model/config.js';
import { finetune } from '../../training/finetune/finetune.js';
import { hashOfFile } from '../../training/finetune/integrity.js';
import { startsOf, type AgentChoice, type FinetuneOptions } from '../../training/finetune/options.js';
import type { AgentReport, Report } from '../../training/finetune/report.js';
import type { StepReport } from '../../training/finetune/run-state.js';
import type { Settings } from '../../training/finetune/trainer.js';
import { relativeDifference } from '../helpers/model.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { tinyEdits, tinyRows } from './tiny-rows.js';

const SETTINGS: Settings = {
  epochs: 3,
  batch: 8,
  microBatch: 3,
  learningRate: 3e-3,
  warmupSteps: 2,
  weightDecay: 0.01,
  clipNorm: 1,
  patience: 3,
  seed: 5,
};

describe('fine-tuning', () => {
  let folder: string;
  let model: string;
  const inFolder = (name: string): string => path.join(folder, name);

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'finetune-'));
    model = inFolder('model');
    await cp(TINY_DIRECTORY, model, { recursive: true });
    await writeFile(inFolder('rows.jsonl'), tinyRows(24));
  });
  after(() => rm(folder, { recursive: true }));

  function options(
    work: string,
    settings: Partial<Settings> = {},
    agent: AgentChoice = 'code-generation',
  ): FinetuneOptions {
    return {
      agents: startsOf(agent, model),
      rows: inFolder('rows.jsonl'),
      shares: { valid: 0.2, heldOut: 0.2 },
      modelDir: model,
      work: inFolder(work),
      threads: 1,
      ownAnalyses: 0,

      generate: 0,
      settings: { ...SETTINGS, ...settings },
      resume: false,
      margin: 1,
    };
  }

  const first = ({ agents }: Report): AgentReport => agents[0]!;

  async function modelHashes(): Promise<Record<string, string>> {
    const hashes: Record<string, string> = {};
    for (const name of (await readdir(model)).sort()) hashes[name] = await hashOfFile(path.join(model, name));
    return hashes;
  }

  it('lowers the loss within ten steps and changes only its agent', async () => {
    const before = await modelHashes();
    const steps: StepReport[] = [];
    const report = await finetune({
      ...options('plain', { epochs: 4, learningRate: 6e-3 }),
      onReport: (line) => {
        if ('train_loss' in line) steps.push(line);
      },
    });
    assert(steps[9]!.train_loss < steps[0]!.train_loss);
    const own = first(report);
    assert(own.held_out.after.cross_entropy < own.held_out.before.cross_entropy);
    assert(own.gate.publishable, own.gate.reasons.join());
    const { before: start, after: last } = own.held_out;
    // The texts are the same before and after, so the two measures tell the same.
    const ratio = last.bits_per_byte / start.bits_per_byte / (last.cross_entropy / start.cross_entropy);
    assert(Math.abs(ratio - 1) < 1e-9);
    assert.match(await readFile(inFolder('plain/report.md'), 'utf8'), /bits per byte of text \| \d/);
    assert.deepEqual(await modelHashes(), before);
    assert.deepEqual(own.parameter_locality.files_changed, []);
    assert.equal(own.parameter_locality.agent_tensors_changed.length, 6);
    const candidate = await loadAgent(own.file, await readConfig(model), 'code-generation');
    assert.equal(candidate.generation, own.generation);
    assert.equal(candidate.lineage['parent'], own.parent);
    assert(candidate.probe, 'what it answers is recorded');
    assert.match(await readFile(inFolder('plain/report.md'), 'utf8'), /Better, and publishable/);
  });

  it('gives the same after an interruption, bit for bit', async () => {
    const whole = await finetune(options('whole'));
    const interrupt = new AbortController();
    const parts = { ...options('parts'), signal: interrupt.signal };
    await assert.rejects(
      finetune({
        ...parts,
        onReport: (line) => {
          if ('train_loss' in line && line.step === 5) interrupt.abort();
        },
      }),
      { code: 'aborted' },
    );
    const resumed = await finetune({ ...options('parts'), resume: true });
    assert.equal(first(resumed).generation, first(whole).generation);
    assert.deepEqual(first(resumed).held_out, first(whole).held_out);
  });

  it('does not go on from the checkpoint of another run', async () => {
    await finetune(options('other', { epochs: 1 }));
    await assert.rejects(finetune({ ...options('other', { epochs: 2 }), resume: true }), {
      code: 'checkpoint_of_other_run',
    });
    await assert.rejects(finetune({ ...options('none'), resume: true }), { code: 'checkpoint_missing' });
  });

  it('keeps the best weights, not the last', async () => {
    const report = await finetune(options('early', { learningRate: 0.1, warmupSteps: 0, epochs: 9, patience: 1 }));
    const { stopped_early, bestStep, bestLoss, step, validations } = report.training;
    assert(stopped_early && bestStep < step);
    assert.equal(bestLoss, Math.min(...validations.map(({ valid_loss }) => valid_loss)));
    const { tensors } = await readTensors(inFolder('early/checkpoint.safetensors'));
    const candidate = await loadAgent(first(report).file, await readConfig(model));
    const distance = (name: string): number => relativeDifference(candidate.tensors.head_up, tensors.get(name)!.data);
    assert(distance('code-generation.best.head_up') < 1e-3, 'half precision rounds');
    assert(distance('code-generation.parameters.head_up') > 1e-2);
  });

  it('does not let a candidate pass that is not better', async () => {
    const report = await finetune(options('same', { learningRate: 1e-12, patience: 1 }));
    assert.equal(first(report).gate.publishable, false);
    assert.deepEqual(first(report).parameter_locality.agent_tensors_changed, []);
  });

  it('stops when the loss runs away', async () => {
    await assert.rejects(finetune(options('wild', { learningRate: 1, warmupSteps: 0, clipNorm: 1e6 })), {
      code: 'loss_diverged',
    });
  });

  it('trains the analysis agent as well', async () => {
    const report = first(await finetune(options('analysis', {}, 'issue-analysis')));
    assert(report.held_out.after.cross_entropy < report.held_out.before.cross_entropy);
  });

  it('measures what analyses do for the patch', async () => {
    await writeFile(inFolder('edits.jsonl'), tinyEdits(12));
    const run = { ...options('lift', { epochs: 1 }), rows: inFolder('edits.jsonl') };
    const told: string[] = [];
    const report = await finetune({ ...run, onLift: (done, total) => told.push(`${done} of ${total}`) });
    const lift = report.pipeline_lift?.after;
    const { held_out } = first(report);
    assert.deepEqual(told, ['1 of 3', '2 of 3', '3 of 3']);
    assert.equal(report.pipeline_lift!.rows, 3);
    // The held-out figure is over the same rows, each with the given analysis and without one.
    const mean = (lift!.without_analysis + lift!.given_analysis) / 2;
    assert(Math.abs(mean / held_out.after.cross_entropy - 1) < 0.01, `${mean} ${held_out.after.cross_entropy}`);
    assert.notEqual(lift!.own_analysis, lift!.given_analysis);
    assert.match(
      await readFile(inFolder('lift/report.md'), 'utf8'),
      /Pipeline lift \(3 held-out rows\)[^]*\| after \| \d[^]*\(lift\.svg\)/,
    );
    await mkdir(inFolder('alone'));
    await cp(path.join(model, 'code-generation.safetensors'), inFolder('alone/code-generation.safetensors'));
    const alone = await finetune({ ...run, agents: startsOf('code-generation', inFolder('alone')) });
    assert.equal(alone.pipeline_lift, undefined, 'without the other agent');
  });

  it('asks about held-out rows with files as a server is asked, before and after', async () => {
    const edits = tinyEdits(12).trim().split('\n');
    const bare = edits.map((line) => {
      const { files, issue, patch } = JSON.parse(line) as { files: unknown; issue: string; patch: string };
      return { problem_statement: issue, patch, files };
    });
    // Of the rows held out one tells tokens and one the lines of a patch only: nobody can be asked about those.
    const tokens = tinyRows(1).trim();
    const quoted = JSON.stringify({ ...bare[0], files: undefined });
    await writeFile(inFolder('asked.jsonl'), edits.slice(0, 9).join('\n'));
    await writeFile(inFolder('held.jsonl'), ['not json', tokens, quoted, ...edits.slice(9)].join('\n'));
    const told: string[] = [];
    const run = {
      ...options('generated', { epochs: 40, batch: 4, learningRate: 2e-2, patience: 40 }, 'both'),
      rows: inFolder('asked.jsonl'),
      heldOut: inFolder('held.jsonl'),
      generate: 2,
      onGenerated: (done: number, total: number) => told.push(`${done} of ${total}`),
    };
    const { generated } = await finetune(run);
    assert.deepEqual(told, ['1 of 2', '2 of 2']);
    assert.deepEqual([generated?.rows, generated?.skipped], [2, 2]);
    for (const { exact_match, abstained } of [generated!.before, generated!.after]) {
      assert.deepEqual([exact_match?.items, abstained?.items], [2, 2]);
    }
    // The two pairs give different answers: what has learnt from code writes code that parses. Neither is sure of anything.
    assert.deepEqual([generated!.before.syntax_valid?.value, generated!.after.syntax_valid?.value], [0, 1]);
    assert.deepEqual([generated!.before.abstained?.value, generated!.after.abstained?.value], [1, 1]);
    assert.equal(generated!.after.applies?.value, 1);
    const text = await readFile(inFolder('generated/report.md'), 'utf8');
    assert.match(text, /Generated patches \(one for each of 2 held-out rows[^]*2 rows without whole files left out/);
    assert.match(text, /\| exact match, of rows \| \d[^]*\(generated\.svg\)/);
    assert.match(await readFile(inFolder('generated/generated.svg'), 'utf8'), /exact match/);
  });

  it('refuses a backbone whose files do not make its fingerprint, and an output that is its input', async () => {
    const broken = inFolder('broken');
    await cp(model, broken, { recursive: true });
    await writeFile(path.join(broken, 'decoder.bin'), 'x', { flag: 'a' });
    await assert.rejects(finetune({ ...options('unused'), modelDir: broken }), { code: 'backbone_changed' });
    await assert.rejects(finetune({ ...options('unused'), work: model }), { code: 'output_is_input' });
  });
});
