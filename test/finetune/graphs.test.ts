// The training graphs in onnxruntime-node: gradients are PyTorch's, the evaluation is the served decoder's.
import assert from 'node:assert/strict';
import path from 'node:path';
import { loadAgent, type Agent } from '../../adapters/agent.js';
import type { TensorFile } from '../../adapters/safetensors.js';
import { AGENT_TENSOR_NAMES } from '../../model/agent-tensors.js';
import { loadBackbone, type Backbone } from '../../model/backbone.js';
import { scoreSequence } from '../../model/score.js';
import { TrainingGraphs } from '../../training/finetune/graphs.js';
import { zerosLike } from '../../training/finetune/optimiser.js';
import type { Sequence } from '../../training/finetune/sequences.js';
import { readGoldenStep, type GoldenRow } from '../helpers/golden-step.js';
import { assertNear } from '../helpers/model.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';

/** Largest difference allowed, as a share of a tensor's largest gradient: both sides compute in float32. */
const TOLERANCE = 1e-4;

describe('training graphs', () => {
  let rows: readonly GoldenRow[];
  let golden: TensorFile;
  let sequences: readonly Sequence[];
  let agent: Agent;
  let backbone: Backbone;
  let graphs: TrainingGraphs;

  before(async () => {
    backbone = await loadBackbone({ directory: TINY_DIRECTORY });
    agent = await loadAgent(path.join(TINY_DIRECTORY, 'golden-agent.safetensors'), backbone.config);
    const step = await readGoldenStep(backbone.config);
    ({ rows, sequences, golden } = step);
    graphs = await TrainingGraphs.load(TINY_DIRECTORY, backbone.config, step.cache, 1);
  });
  after(async () => {
    await graphs.dispose();
    await backbone.close();
  });

  it('give the loss and the gradients of autograd', async () => {
    const gradients = zerosLike(agent.tensors);
    const sums = await graphs.addGradients(sequences, agent.tensors, gradients);
    const total = (of: (row: GoldenRow) => number): number => rows.reduce((sum, row) => sum + of(row), 0);
    assert(Math.abs(sums.loss / total(({ loss }) => loss) - 1) < TOLERANCE);
    assert.equal(
      sums.correct,
      total(({ correct }) => correct),
    );
    assert.equal(
      sums.count,
      total(({ labels }) => labels),
    );
    for (const name of AGENT_TENSOR_NAMES) {
      assertNear(gradients[name], golden.tensors.get(`grad_${name}`)!.data, TOLERANCE, name);
    }
  });

  it('give gradients that add up over micro-batches', async () => {
    const gradients = zerosLike(agent.tensors);
    for (const sequence of sequences) await graphs.addGradients([sequence], agent.tensors, gradients);
    for (const name of AGENT_TENSOR_NAMES) {
      assertNear(gradients[name], golden.tensors.get(`grad_${name}`)!.data, TOLERANCE, name);
    }
  });

  it('evaluate as the served decoder does, each sequence by itself', async () => {
    const evaluated = await graphs.evaluate(sequences, agent.tensors);
    for (const [at, { source, target, labels }] of rows.entries()) {
      const memory = await backbone.encode(source);
      const cut = target.length - labels;
      const served = await scoreSequence(backbone, memory, agent, target.slice(0, cut), target.slice(cut));
      assert.equal(evaluated[at]!.count, labels);
      // The memories differ, too: the served encoder multiplies int8 activations.
      assert(Math.abs(evaluated[at]!.loss / served.loss - 1) < 0.01, `${evaluated[at]!.loss} and ${served.loss}`);
    }
  });
});
