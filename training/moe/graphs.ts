import type { ModelConfig } from '../../model/config.js';
import { Graph, floats, tensor, type Feeds } from '../../model/onnx.js';
import { evaluationSignature, floatValue, idValue, stepSignature } from '../../model/signatures.js';
import { NO_SUMS, addGradientsOf, plus, sumsOf, type LearningGraphs, type Sums } from '../finetune/graphs.js';
import type { MemoryCache } from '../finetune/memory-cache.js';
import type { Sequence } from '../finetune/sequences.js';
import { stepInputs } from '../finetune/step-inputs.js';
import { placeMoeGraphs, type MoeGraphFiles } from './graph-files.js';
import { MOE_TENSOR_NAMES, moeShapes, type MoeNumbers, type MoeSizes, type MoeTensorName } from './tensors.js';

/** Sums of a sequence, and where its tokens went. */
export interface RoutedSums extends Sums {
  /** Tokens by layer and expert, [L, E]; a token counts once for each of its experts. */
  readonly routed: Float32Array;
}

/** How a mixture routes and is trained. */
export interface Routing {
  /** Experts of a token. */
  readonly topK: number;
  /** Weight of the loss for balance against a label's cross-entropy; 0.01 in the seed (row 38) and in the Switch Transformer. */
  readonly balanceWeight: number;
}

/** The two graphs of a mixture over a model directory, fed with sequences whose sources are in the cache. */
export class MoeGraphs implements LearningGraphs<MoeTensorName> {
  private constructor(
    private readonly config: ModelConfig,
    private readonly files: MoeGraphFiles,
    private readonly step: Graph,
    private readonly evaluation: Graph,
    private readonly cache: Pick<MemoryCache, 'read'>,
    private readonly routing: Routing,
  ) {}

  /** Checks and loads both graphs of `folder`. Throws `TrainingError` (see `placeMoeGraphs`), `ModelError`. */
  static async load(
    folder: string,
    model: { readonly directory: string; readonly config: ModelConfig; readonly threads: number },
    cache: Pick<MemoryCache, 'read'>,
    routing: Routing,
  ): Promise<MoeGraphs> {
    const { directory, config, threads } = model;
    const files = await placeMoeGraphs(folder, directory, config);
    const { experts } = files.record;
    const shapes = moeShapes(config, files.record);
    const routes = [idValue('top_k', 1), floatValue('token_weight', 'B', 'T')];
    const routed = floatValue('routed', 'B', config.decoder_layers, experts);
    const loaded: Graph[] = [];
    try {
      for (const { file, signature, inputs, outputs } of [
        {
          file: files.step,
          signature: stepSignature(config, shapes),
          inputs: [...routes, floatValue('balance_weight', 1)],
          outputs: [routed, floatValue('balance', 1)],
        },
        { file: files.evaluation, signature: evaluationSignature(config, shapes), inputs: routes, outputs: [routed] },
      ]) {
        loaded.push(
          await Graph.load({
            file,
            threads,
            inputs: [...signature.inputs, ...inputs],
            outputs: [...signature.outputs, ...outputs],
          }),
        );
      }
      const [step, evaluation] = loaded as [Graph, Graph];
      return new MoeGraphs(config, files, step, evaluation, cache, routing);
    } catch (error) {
      for (const graph of loaded) await graph.dispose();
      await files.remove();
      throw error;
    }
  }

  get sizes(): MoeSizes {
    return this.files.record;
  }

  async addGradients(sequences: readonly Sequence[], mixture: MoeNumbers, gradients: MoeNumbers): Promise<Sums> {
    const feeds = await this.feeds(sequences, mixture);
    const weight = tensor('float32', Float32Array.of(this.routing.balanceWeight), [1]);
    const outputs = await this.step.run({ ...feeds, balance_weight: weight });
    addGradientsOf(outputs, gradients);
    return sumsOf(outputs, sequences).reduce(plus, NO_SUMS);
  }

  async evaluate(sequences: readonly Sequence[], mixture: MoeNumbers): Promise<RoutedSums[]> {
    const outputs = await this.evaluation.run(await this.feeds(sequences, mixture));
    const size = this.config.decoder_layers * this.sizes.experts;
    const routed = floats(outputs, 'routed');
    return sumsOf(outputs, sequences).map((sums, at) => ({
      ...sums,
      routed: routed.subarray(at * size, (at + 1) * size),
    }));
  }

  /** Frees the sessions and deletes the copies of the weights. */
  async dispose(): Promise<void> {
    await Promise.all([this.step.dispose(), this.evaluation.dispose()]);
    await this.files.remove();
  }

  private async feeds(sequences: readonly Sequence[], mixture: MoeNumbers): Promise<Feeds> {
    const items = await Promise.all(
      sequences.map(async (sequence) => ({ sequence, memory: await this.cache.read(sequence.sourceIds) })),
    );
    const shapes = moeShapes(this.config, this.sizes);
    const tensors = MOE_TENSOR_NAMES.map((name) => [name, tensor('float32', mixture[name], shapes[name])] as const);
    return {
      ...stepInputs(items, this.config),
      ...Object.fromEntries(tensors),
      top_k: tensor('int64', BigInt64Array.of(BigInt(this.routing.topK)), [1]),
      token_weight: tokenWeight(sequences),
    };
  }
}

/** 1 for a sequence's own tokens, 0 for padding: only these are routes that the balance counts. */
function tokenWeight(sequences: readonly Sequence[]): Feeds[string] {
  const lengths = sequences.map(({ ids }) => ids.length - 1);
  const longest = Math.max(...lengths);
  const weight = new Float32Array(sequences.length * longest);
  for (const [row, length] of lengths.entries()) weight.fill(1, row * longest, row * longest + length);
  return tensor('float32', weight, [sequences.length, longest]);
}
