// The code agent reads what the analysis agent really writes: written once, kept, gone on with after an interruption, and learnt.
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadAgent } from '../../adapters/agent.js';
import { readConfig } from '../../model/config.js';
import { finetune } from '../../training/finetune/finetune.js';
import { startsOf, type FinetuneOptions } from '../../training/finetune/options.js';
import { sequencesOf } from '../../training/finetune/sequences.js';
import { evenly } from '../../training/finetune/shown-window.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { tinyEdits } from './tiny-rows.js';

describe('own analyses', () => {
  let folder: string;
  const inFolder = (name: string): string => path.join(folder, name);

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'own-analyses-'));
    await writeFile(inFolder('edits.jsonl'), tinyEdits(20));
  });
  after(() => rm(folder, { recursive: true }));

  const options = (work: string, ownAnalyses: number): FinetuneOptions => ({
    agents: startsOf('code-generation', TINY_DIRECTORY),
    rows: inFolder('edits.jsonl'),
    shares: { valid: 0.2, heldOut: 0.2 },
    modelDir: TINY_DIRECTORY,
    work: inFolder(work),
    threads: 1,
    ownAnalyses,
    generate: 0,
    settings: {
      epochs: 4,
      batch: 4,
      microBatch: 4,
      learningRate: 0.02,
      warmupSteps: 2,
      weightDecay: 0.01,
      clipNorm: 1,
      patience: 4,
      seed: 5,
    },
    resume: false,
    margin: 1,
  });

  it('are a third text of a row, beside the given analysis and none', () => {
    const symbols = { special: { analyse: 18, patch: 19 }, eos: 2 } as unknown as Parameters<typeof sequencesOf>[3];
    const row = { id: 'x', sourceIds: [1], analysisIds: [50], ownAnalysisIds: [60, 61], patchIds: [70] };
    assert.deepEqual(
      sequencesOf(row, 3, 'code-generation', symbols).map(({ ids, labels }) => [ids, labels]),
      [
        [[18, 50, 19, 70, 2], 2],
        [[18, 60, 61, 19, 70, 2], 2],
        [[19, 70, 2], 2],
      ],
    );
    assert.equal(sequencesOf(row, 3, 'issue-analysis', symbols).length, 1);
  });

  it('are written once, whatever interrupts it, by the agent that works beside the one that is trained', async () => {
    const config = await readConfig(TINY_DIRECTORY);
    const { generation } = await loadAgent(path.join(TINY_DIRECTORY, 'issue-analysis.safetensors'), config);
    const kept = inFolder(`out/analyses/${generation}`);
    const interrupt = new AbortController();
    const written: string[] = [];
    await assert.rejects(
      finetune({
        ...options('out', 10),
        signal: interrupt.signal,
        onOwnAnalysis: (done, total) => {
          written.push(`${done} of ${total}`);
          if (done === 4) interrupt.abort();
        },
      }),
      { code: 'aborted' },
    );
    assert.deepEqual(written, ['1 of 10', '2 of 10', '3 of 10', '4 of 10']);
    const first = await readdir(kept);
    assert.equal(first.length, 4);
    const times = async (): Promise<number[]> =>
      Promise.all(first.map(async (name) => (await stat(path.join(kept, name))).mtimeMs));
    const before = await times();
    const report = await finetune(options('out', 10));
    assert.deepEqual(await times(), before, 'what was written is not written again');
    assert.equal(report.own_analyses!.rows, 10);
    assert.equal(report.own_analyses!.analyst, generation);
    assert.match(await readFile(inFolder('out/report.md'), 'utf8'), /Own analyses: 10 rows/);
    const without = await finetune(options('without', 0));
    assert.equal(without.own_analyses, undefined);
    // 12 rows to train, 6 of them with a third text.
    assert.deepEqual(
      [report, without].map(({ training }) => training.steps[0]!.total_steps / 4),
      [8, 6],
    );
  });

  it('lower what the patch costs after them', async () => {
    const { pipeline_lift: lift } = await finetune(options('learnt', 20));
    assert(lift!.after.own_analysis < lift!.before.own_analysis);
  });

  it('need an agent that writes them', async () => {
    await mkdir(inFolder('alone'));
    await cp(path.join(TINY_DIRECTORY, 'code-generation.safetensors'), inFolder('alone/code-generation.safetensors'));
    const alone = { ...options('none', 4), agents: startsOf('code-generation', inFolder('alone')) };
    await assert.rejects(finetune(alone), { code: 'analyst_missing' });
  });

  it('are spread evenly', () => {
    const items = Array.from({ length: 10 }, (_, at) => at);
    assert.deepEqual(evenly(items, 5), [0, 2, 4, 6, 8]);
    assert.deepEqual(evenly(items, 20), items);
    assert.deepEqual(evenly([], 5), []);
  });
});
