// The mixture's graphs in onnxruntime-node: loss, routes and gradients are PyTorch's; they serve only their own backbone.
import assert from 'node:assert/strict';
import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readTensors, type TensorFile } from '../../adapters/safetensors.js';
import { readConfig, type ModelConfig } from '../../model/config.js';
import { zerosLike } from '../../training/finetune/optimiser.js';
import { placeMoeGraphs } from '../../training/moe/graph-files.js';
import { MoeGraphs } from '../../training/moe/graphs.js';
import { MOE_TENSOR_NAMES, type MoeNumbers } from '../../training/moe/tensors.js';
import { readGoldenStep, type GoldenStep } from '../helpers/golden-step.js';
import { assertNear } from '../helpers/model.js';
import { TINY_DIRECTORY, TINY_MOE_DIRECTORY } from '../helpers/tiny.js';

interface GoldenMoe {
  balance_weight: number;
  top_k: Record<string, { balance: number; rows: { loss: number; correct: number; routed: number[][] }[] }>;
}

/** Largest difference allowed, as a share of a tensor's largest gradient: both sides compute in float32. */
const TOLERANCE = 1e-4;

describe('graphs of a mixture of experts', () => {
  let config: ModelConfig;
  let step: GoldenStep;
  let golden: TensorFile;
  let record: GoldenMoe;
  let mixture: MoeNumbers;

  before(async () => {
    config = await readConfig(TINY_DIRECTORY);
    step = await readGoldenStep(config);
    golden = await readTensors(path.join(TINY_MOE_DIRECTORY, 'golden-moe.safetensors'));
    record = JSON.parse(await readFile(path.join(TINY_MOE_DIRECTORY, 'golden-moe.json'), 'utf8')) as GoldenMoe;
    mixture = Object.fromEntries(MOE_TENSOR_NAMES.map((name) => [name, golden.tensors.get(name)!.data])) as MoeNumbers;
  });

  async function withGraphs(topK: number, work: (graphs: MoeGraphs) => Promise<void>): Promise<void> {
    const model = { directory: TINY_DIRECTORY, config, threads: 1 };
    const routing = { topK, balanceWeight: record.balance_weight };
    const graphs = await MoeGraphs.load(TINY_MOE_DIRECTORY, model, step.cache, routing);
    await work(graphs).finally(() => graphs.dispose());
  }

  for (const topK of [1, 2]) {
    it(`give the loss and the gradients of autograd, top-${topK}`, () =>
      withGraphs(topK, async (graphs) => {
        const gradients = zerosLike(mixture);
        const sums = await graphs.addGradients(step.sequences, mixture, gradients);
        const { rows } = record.top_k[topK]!;
        const loss = rows.reduce((sum, row) => sum + row.loss, 0);
        assert(Math.abs(sums.loss / loss - 1) < TOLERANCE);
        for (const name of MOE_TENSOR_NAMES) {
          assertNear(gradients[name], golden.tensors.get(`grad_${name}.${topK}`)!.data, TOLERANCE, name);
        }
      }));

    it(`count where the tokens of each sequence go, padding left out, top-${topK}`, () =>
      withGraphs(topK, async (graphs) => {
        const evaluated = await graphs.evaluate(step.sequences, mixture);
        for (const [at, { loss }] of record.top_k[topK]!.rows.entries()) {
          const tokens = step.sequences[at]!.ids.length - 1;
          const perLayer = [...evaluated[at]!.routed].reduce((sum, count) => sum + count, 0) / config.decoder_layers;
          assert.equal(perLayer, topK * tokens);
          // Activations in int8, as served.
          assert(Math.abs(evaluated[at]!.loss / loss - 1) < 0.02);
        }
      }));
  }

  describe('files', () => {
    let folder: string;

    beforeEach(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'moe-graphs-'));
      await cp(TINY_MOE_DIRECTORY, folder, { recursive: true });
    });
    afterEach(() => rm(folder, { recursive: true }));

    it('of another backbone are refused', async () => {
      const file = path.join(folder, 'moe.json');
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.replace(config.fingerprint, 'f'.repeat(64)));
      await assert.rejects(placeMoeGraphs(folder, TINY_DIRECTORY, config), { code: 'training_graphs_missing' });
    });

    it('that have changed are refused', async () => {
      await appendFile(path.join(folder, 'moe-evaluation.onnx'), ' ');
      await assert.rejects(placeMoeGraphs(folder, TINY_DIRECTORY, config), { code: 'training_graphs_changed' });
    });

    it('that are not there are named', async () => {
      await rm(path.join(folder, 'moe.json'));
      await assert.rejects(placeMoeGraphs(folder, TINY_DIRECTORY, config), { code: 'training_graphs_missing' });
    });
  });
});
