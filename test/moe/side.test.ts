// Adapting one role leaves the other agent's file and numbers alone, and moves a mixture; what is trained once is not again.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { newAgentTensors } from '../../adapters/new-agent.js';
import { REQUIRED_AGENTS } from '../../agents/names.js';
import { agentShapes } from '../../model/agent-tensors.js';
import { loadBackbone } from '../../model/backbone.js';
import type { ModelConfig } from '../../model/config.js';
import { TrainingGraphs } from '../../training/finetune/graphs.js';
import { MemoryCache } from '../../training/finetune/memory-cache.js';
import { readRows } from '../../training/finetune/rows.js';
import { MoeGraphs } from '../../training/moe/graphs.js';
import { measure, measureMixture } from '../../training/moe/measure.js';
import { runSide, type SideResult } from '../../training/moe/side.js';
import { sequencesOfRoles, studyRows, type Study } from '../../training/moe/study.js';
import { freshMixture, moeShapes } from '../../training/moe/tensors.js';
import { tinyRows } from '../finetune/tiny-rows.js';
import { TINY_DIRECTORY, TINY_MOE_DIRECTORY } from '../helpers/tiny.js';

const SETTINGS = {
  epochs: 2,
  batch: 8,
  microBatch: 4,
  learningRate: 6e-3,
  warmupSteps: 2,
  weightDecay: 0.01,
  clipNorm: 1,
};

describe('a side of the comparison', () => {
  let folder: string;
  let config: ModelConfig;
  let cache: MemoryCache;
  let study: Study;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'moe-side-'));
    const file = path.join(folder, 'rows.jsonl');
    await writeFile(file, tinyRows(24));
    const backbone = await loadBackbone({ directory: TINY_DIRECTORY });
    ({ config } = backbone);
    const rows = studyRows(await readRows(file, config, backbone.tokenizer), {
      base: 10,
      adapt: 6,
      valid: 4,
      heldOut: 4,
    });
    const { special, eos } = backbone.tokenizer;
    study = { rows, symbols: { special, eos }, settings: SETTINGS, seed: 3 };
    cache = new MemoryCache(path.join(folder, 'memory'), config);
    const sources = [rows.base, rows.adapt, rows.valid, rows.heldOut].flat().map(({ sourceIds }) => sourceIds);
    await cache.fill(sources, backbone, () => undefined);
    await backbone.close();
  });
  after(() => rm(folder, { recursive: true }));

  const measuring = () => ({ rows: study.rows.heldOut.length, microBatch: 4 });

  async function agents(work: string, detail: (text: string) => void = () => undefined): Promise<SideResult> {
    const graphs = await TrainingGraphs.load(TINY_DIRECTORY, config, cache, 1);
    const side = {
      groups: REQUIRED_AGENTS.map((name) => [name]),
      graphs,
      shapes: agentShapes(config),
      start: (group: number) => newAgentTensors(config, group),
      measure: (numbers: ReturnType<typeof newAgentTensors>, role: (typeof REQUIRED_AGENTS)[number]) =>
        measure(graphs, numbers, sequencesOfRoles(study, 'heldOut', [role]), measuring()),
    };
    return runSide(side, study, work, detail).finally(() => graphs.dispose());
  }

  async function mixture(work: string): Promise<SideResult> {
    const model = { directory: TINY_DIRECTORY, config, threads: 1 };
    const graphs = await MoeGraphs.load(TINY_MOE_DIRECTORY, model, cache, { topK: 2, balanceWeight: 0.01 });
    const side = {
      groups: [REQUIRED_AGENTS],
      graphs,
      shapes: moeShapes(config, graphs.sizes),
      start: () => freshMixture(config, graphs.sizes, 3),
      measure: (numbers: ReturnType<typeof freshMixture>, role: (typeof REQUIRED_AGENTS)[number]) =>
        measureMixture(graphs, numbers, sequencesOfRoles(study, 'heldOut', [role]), measuring()),
    };
    return runSide(side, study, work, () => undefined).finally(() => graphs.dispose());
  }

  const inFolder = (name: string): Promise<string> => mkdtemp(path.join(folder, name));

  it('of two agents: the other one is untouched, to the last bit', async () => {
    const result = await agents(await inFolder('agents-'));
    for (const losses of Object.values(result.validations)) assert(Math.min(...losses) < losses[0]!);
    const [analysis, code] = ['issue-analysis', 'code-generation'] as const;
    for (const [adapted, other] of [
      [analysis, code],
      [code, analysis],
    ] as const) {
      assert.deepEqual(result.adapted[adapted][other], result.trained[other]);
      assert.equal(result.files.adapted[adapted][other], result.files.trained[other]);
      assert.notEqual(result.files.adapted[adapted][adapted], result.files.trained[adapted]);
      assert.notEqual(result.adapted[adapted][adapted].crossEntropy, result.trained[adapted].crossEntropy);
    }
  });

  it('of a mixture: the other role moves, and the routes of each layer add up to 1', async () => {
    const result = await mixture(await inFolder('mixture-'));
    const [analysis, code] = ['issue-analysis', 'code-generation'] as const;
    assert.equal(result.files.trained[analysis], result.files.trained[code]);
    assert.notEqual(result.adapted[analysis][code].crossEntropy, result.trained[code].crossEntropy);
    assert.notEqual(result.files.adapted[analysis][code], result.files.trained[code]);
    const { routes } = result.trained[analysis];
    assert.equal(routes!.length, config.decoder_layers);
    for (const shares of routes!) assert(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-12);
  });

  it('goes on where an interrupted run was, with the same numbers', async () => {
    const [whole, parts] = [await inFolder('whole-'), await inFolder('parts-')];
    const expected = await agents(whole);
    const stop = new Error('stopped');
    await assert.rejects(
      agents(parts, (text) => {
        if (text.startsWith('code-generation, epoch 1')) throw stop;
      }),
      stop,
    );
    const first = path.join(parts, (await readdir(parts))[0]!);
    const { mtimeMs } = await stat(first);
    assert.deepEqual(await agents(parts), expected);
    assert.equal((await stat(first)).mtimeMs, mtimeMs);
  });

  it('learns from no row that is held out or chooses the epoch', () => {
    const { base, adapt, valid, heldOut } = study.rows;
    const ids = [base, adapt, valid, heldOut].flatMap((rows) => rows.map(({ id }) => id));
    assert.equal(new Set(ids).size, ids.length);
    assert(heldOut.length > 0 && valid.length > 0 && adapt.length > 0 && base.length > adapt.length);
  });
});
