import { AGENT_TENSOR_NAMES, agentShapes, type AgentTensorName } from '../../model/agent-tensors.js';
import type { ModelConfig } from '../../model/config.js';
import { Graph, floats, tensor, type Feeds } from '../../model/onnx.js';
import { evaluationSignature, stepSignature } from '../../model/signatures.js';
import { trainingGraphFiles } from './integrity.js';
import type { MemoryCache } from './memory-cache.js';
import type { Numbers } from './optimiser.js';
import type { Sequence } from './sequences.js';
import { stepInputs } from './step-inputs.js';

/** An agent's six stacked tensors. */
export type AgentNumbers = Numbers<AgentTensorName>;

/** Sums over the labels of some sequences. */
export interface Sums {
  /** Cross-entropy in nats. */
  readonly loss: number;
  /** Labels that were the likeliest token. */
  readonly correct: number;
  readonly count: number;
}

export const NO_SUMS: Sums = { loss: 0, correct: 0, count: 0 };

export function plus(a: Sums, b: Sums): Sums {
  return { loss: a.loss + b.loss, correct: a.correct + b.correct, count: a.count + b.count };
}

/** What training and evaluation ask of graphs over any named tensors, an agent's by default. */
export interface LearningGraphs<Name extends string = AgentTensorName> {
  /** Adds the gradients of the summed loss of these sequences to `gradients`; returns the sums. */
  addGradients(sequences: readonly Sequence[], parameters: Numbers<Name>, gradients: Numbers<Name>): Promise<Sums>;
  /** The sums of each sequence, computed as the server computes. */
  evaluate(sequences: readonly Sequence[], parameters: Numbers<Name>): Promise<Sums[]>;
}

/** The two training graphs over a model directory, fed with sequences whose sources are in the cache. */
export class TrainingGraphs implements LearningGraphs {
  private constructor(
    private readonly config: ModelConfig,
    private readonly step: Graph,
    private readonly evaluation: Graph,
    private readonly cache: Pick<MemoryCache, 'read'>,
  ) {}

  /** Checks and loads both. Throws `TrainingError` (see `trainingGraphFiles`), `ModelError`. */
  static async load(
    directory: string,
    config: ModelConfig,
    cache: Pick<MemoryCache, 'read'>,
    threads: number,
  ): Promise<TrainingGraphs> {
    const files = await trainingGraphFiles(directory, config);
    const step = await Graph.load({ file: files.step, threads, ...stepSignature(config) });
    try {
      const evaluation = await Graph.load({ file: files.evaluation, threads, ...evaluationSignature(config) });
      return new TrainingGraphs(config, step, evaluation, cache);
    } catch (error) {
      await step.dispose();
      throw error;
    }
  }

  /** Adds the gradients of the summed cross-entropy of these sequences to `gradients`; returns the sums. */
  async addGradients(sequences: readonly Sequence[], agent: AgentNumbers, gradients: AgentNumbers): Promise<Sums> {
    const outputs = await this.step.run(await this.feeds(sequences, agent));
    addGradientsOf(outputs, gradients);
    return sumsOf(outputs, sequences).reduce(plus, NO_SUMS);
  }

  /** The sums of each sequence, computed as the server computes. */
  async evaluate(sequences: readonly Sequence[], agent: AgentNumbers): Promise<Sums[]> {
    return sumsOf(await this.evaluation.run(await this.feeds(sequences, agent)), sequences);
  }

  /** Frees the sessions. */
  async dispose(): Promise<void> {
    await Promise.all([this.step.dispose(), this.evaluation.dispose()]);
  }

  private async feeds(sequences: readonly Sequence[], agent: AgentNumbers): Promise<Feeds> {
    const items = await Promise.all(
      sequences.map(async (sequence) => ({ sequence, memory: await this.cache.read(sequence.sourceIds) })),
    );
    const shapes = agentShapes(this.config);
    const tensors = AGENT_TENSOR_NAMES.map((name) => [name, tensor('float32', agent[name], shapes[name])] as const);
    return { ...stepInputs(items, this.config), ...Object.fromEntries(tensors) };
  }
}

/** Loss, correct labels and labels of each sequence, of a graph's outputs. */
export function sumsOf(outputs: Parameters<typeof floats>[0], sequences: readonly Sequence[]): Sums[] {
  const [loss, correct, count] = ['loss', 'correct', 'count'].map((name) => floats(outputs, name)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  return sequences.map((_, at) => ({ loss: loss[at]!, correct: correct[at]!, count: count[at]! }));
}

/** Adds the outputs `grad_` + name to the gradients of that name. */
export function addGradientsOf(outputs: Parameters<typeof floats>[0], gradients: Numbers): void {
  for (const [name, sum] of Object.entries(gradients)) {
    const part = floats(outputs, `grad_${name}`);
    for (let i = 0; i < sum.length; i++) sum[i]! += part[i]!;
  }
}
