import { access } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { ModelError } from './errors.js';

/** Element types the graphs use, with the arrays that hold them. */
export interface ArrayOf {
  readonly float32: Float32Array;
  readonly int64: BigInt64Array;
}

/** A named input or output: its type and its dimensions, a string for one that varies. */
export interface ValueSignature {
  readonly name: string;
  readonly type: keyof ArrayOf;
  readonly dims: readonly (number | string)[];
}

/** A value of a graph run. It refers to its array: nothing is copied, a change of the array is seen by the next run. */
export type GraphTensor = Tensor;

/** Inputs by name. The object may be kept and changed between runs. */
export type Feeds = Record<string, GraphTensor>;

/** Wraps an array as a graph value. The length of `data` must be the product of `dims`. */
export function tensor<T extends keyof ArrayOf>(type: T, data: ArrayOf[T], dims: readonly number[]): GraphTensor {
  return new Tensor(type, data, dims);
}

/** How to load a graph. */
export interface GraphOptions {
  readonly file: string;
  /** Threads of one run. */
  readonly threads: number;
  readonly inputs: readonly ValueSignature[];
  readonly outputs: readonly ValueSignature[];
}

/**
 * One ONNX graph, ready to run. `run` blocks its thread while the graph computes, so it belongs into a worker thread;
 * it returns to the event loop before each run, which is where an abort can arrive.
 */
export class Graph {
  readonly #session: InferenceSession;
  readonly #file: string;
  readonly #outputs: readonly string[];
  #released = false;

  private constructor(session: InferenceSession, options: GraphOptions) {
    this.#session = session;
    this.#file = options.file;
    this.#outputs = options.outputs.map((output) => output.name);
  }

  /** Loads a graph and compares its signature. Throws `ModelError` (`model_file_unreadable`, `graph_invalid`). */
  static async load(options: GraphOptions): Promise<Graph> {
    const { file } = options;
    await access(file).catch((cause: unknown) => {
      throw new ModelError('model_file_unreadable', `Cannot read ${file}.`, { cause });
    });
    let session: InferenceSession;
    try {
      session = await InferenceSession.create(file, {
        executionProviders: ['cpu'],
        intraOpNumThreads: options.threads,
        interOpNumThreads: 1,
        // Shapes change with every step, so a plan of the memory for the last shapes is worth nothing.
        enableMemPattern: false,
        // The runtime's own arena, which keeps the memory of the longest run. Without it, each block goes to malloc, whose
        // heap the changing sizes of long sources leave in pieces: 1.9 GB instead of 0.45 GB after a dozen of them.
        enableCpuMemArena: true,
        logSeverityLevel: 3,
        // Threads that spin for work take the other core from whoever shares the machine.
        extra: { session: { intra_op: { allow_spinning: '0' } } },
      });
    } catch (cause) {
      throw new ModelError('graph_invalid', `Cannot load ${file}: ${messageOf(cause)}`, { cause });
    }
    const faults = [
      ...compare('input', options.inputs, session.inputMetadata),
      ...compare('output', options.outputs, session.outputMetadata),
    ];
    if (faults.length > 0) {
      await session.release();
      throw new ModelError('graph_invalid', `${file} does not fit config.json: ${faults.slice(0, 5).join('; ')}`);
    }
    return new Graph(session, options);
  }

  /** Runs the graph and returns its outputs by name, each in a fresh array. Throws `ModelError` (`graph_failed`, `closed`). */
  async run(feeds: Feeds): Promise<Record<string, GraphTensor>> {
    if (this.#released) throw new ModelError('closed', 'The model has been closed.');
    try {
      return await this.#session.run(feeds, this.#outputs);
    } catch (cause) {
      throw new ModelError('graph_failed', `${this.#file}: ${messageOf(cause)}`, { cause });
    }
  }

  /** Frees the weights. May be called again. */
  async dispose(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#session.release();
  }
}

/** The numbers of a float32 output. Throws `ModelError` (`graph_failed`) if the graph did not give it. */
export function floats(outputs: Record<string, GraphTensor>, name: string): Float32Array {
  const data = outputs[name]?.data;
  if (!(data instanceof Float32Array)) throw new ModelError('graph_failed', `The graph gave no ${name}.`);
  return data;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Differences between the signature that is expected and the graph's own. */
function compare(
  side: string,
  expected: readonly ValueSignature[],
  actual: readonly InferenceSession.ValueMetadata[],
): string[] {
  const byName = new Map(actual.map((value) => [value.name, value]));
  const faults: string[] = [];
  for (const { name, type, dims } of expected) {
    const value = byName.get(name);
    byName.delete(name);
    if (value?.isTensor !== true) faults.push(`${side} ${name} is missing`);
    else if (value.type !== type) faults.push(`${side} ${name} is ${value.type}, not ${type}`);
    else if (!fits(dims, value.shape)) faults.push(`${side} ${name} is [${value.shape.join()}], not [${dims.join()}]`);
  }
  for (const name of byName.keys()) faults.push(`unknown ${side} ${name}`);
  return faults;
}

function fits(expected: readonly (number | string)[], actual: readonly (number | string)[]): boolean {
  return (
    expected.length === actual.length &&
    expected.every((dim, axis) => typeof dim === 'string' || typeof actual[axis] === 'string' || dim === actual[axis])
  );
}
