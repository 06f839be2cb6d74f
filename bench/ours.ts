import type { Agent } from '../adapters/agent.js';
import type { Backbone, DecoderState, Memory, Row } from '../model/backbone.js';
import { createRandom } from '../model/random.js';
import { createPatches, type Engine } from '../pipeline/pipeline.js';
import type { PipelineOptions } from '../pipeline/types.js';
import { quantile } from '../training/evaluation/statistics.js';
import { Answering, type Agents, type Mode, type Shares } from './answering.js';
import type { KnownRequest } from './request.js';
import { timed, type Timing } from './timing.js';

/** The engine as the server's worker has it, and the parts of its work to be timed. */
export class Ours {
  readonly #backbone: Backbone;
  readonly #answering: Answering;
  readonly #random = createRandom(2);
  /** Where the tokens of the last answer in each mode came from. */
  readonly shares: Partial<Record<Mode, Shares>> = {};

  constructor(
    private readonly engine: Engine & { readonly agents: Agents },
    private readonly request: KnownRequest,
  ) {
    this.#backbone = engine.backbone;
    this.#answering = new Answering(engine.backbone, request);
  }

  /** The encoder alone. */
  encode(): Promise<Timing> {
    return timed(() => this.#backbone.encode(this.request.source));
  }

  /** Encoder, one analysis, one patch. */
  answer(mode: Mode, newTokens: number): Promise<Timing> {
    return timed(async () => {
      const memory = await this.#backbone.encode(this.request.source);
      this.shares[mode] = await this.#answering.write(memory, this.engine.agents, mode, newTokens);
    });
  }

  /** What the server does for this request by default: several hypotheses by beam search, a patch for each, ranking. */
  served(): Promise<Timing & { readonly tokens: number }> {
    return this.#search(1, {});
  }

  /** The same with eight candidates wanted. */
  eightCandidates(): Promise<Timing & { readonly tokens: number }> {
    return this.#search(8, {});
  }

  /** The least that gives a candidate: one hypothesis and one patch, each greedy. */
  oneCandidate(): Promise<Timing & { readonly tokens: number }> {
    return this.#search(1, { hypothesesOnBestWindow: 1, analysisBeamWidth: 1, maxWindows: 1 });
  }

  async #search(n: number, options: Partial<PipelineOptions>): Promise<Timing & { readonly tokens: number }> {
    const { issue, window } = this.request;
    const files = [{ path: window.file.path, content: window.file.text }];
    let tokens = 0;
    const timing = await timed(async () => {
      const { usage } = await createPatches(this.engine, { issue, files, n }, { options });
      tokens = usage.analysis_tokens + usage.patch_tokens;
    });
    return { ...timing, tokens };
  }

  /** The mean time of a decoder step of one token for each of `rows` sequences of `context` tokens after the source. */
  async decode(rows: number, context: number, steps: number): Promise<Timing> {
    const memory = await this.#backbone.encode(this.request.source);
    const state = this.#backbone.open(memory, this.engine.agents.codeGeneration);
    try {
      const opened = await this.#rowsOf(state, rows, context);
      const timing = await timed(async () => {
        for (let step = 0; step < steps; step++) {
          await state.step(opened.map((row) => ({ row, tokens: this.#someTokens(1) })));
        }
      });
      return { wall: timing.wall / steps, cpu: timing.cpu / steps };
    } finally {
      state.close();
    }
  }

  /**
   * Microseconds to make a decoder of another agent over the same memory, median; with it the largest difference of
   * the logits before, and after the way back (0: the swap leaves nothing behind).
   */
  async swap(
    times: number,
  ): Promise<{ readonly microseconds: number; readonly changed: number; readonly left: number }> {
    const memory = await this.#backbone.encode(this.request.source);
    const { issueAnalysis, codeGeneration } = this.engine.agents;
    const durations: number[] = [];
    for (let i = 0; i < times; i++) {
      const agent = i % 2 === 0 ? codeGeneration : issueAnalysis;
      const started = performance.now();
      const state = this.#backbone.open(memory, agent);
      durations.push(1000 * (performance.now() - started));
      state.close();
    }
    const before = await this.#logits(memory, issueAnalysis);
    const other = await this.#logits(memory, codeGeneration);
    const after = await this.#logits(memory, issueAnalysis);
    return {
      microseconds: quantile(durations, 0.5),
      changed: difference(before, other),
      left: difference(before, after),
    };
  }

  async #logits(memory: Memory, agent: Agents['issueAnalysis'] | Agent): Promise<Float32Array> {
    const state = this.#backbone.open(memory, agent);
    const [logits] = await state.step([{ row: state.row(), tokens: [this.#backbone.tokenizer.special.analyse] }]);
    state.close();
    return logits![0]!;
  }

  async #rowsOf(state: DecoderState, count: number, length: number): Promise<Row[]> {
    const first = state.row();
    await state.step([{ row: first, tokens: this.#someTokens(length) }]);
    return [first, ...Array.from({ length: count - 1 }, () => state.fork(first))];
  }

  #someTokens(count: number): number[] {
    return Array.from(
      { length: count },
      () => 300 + Math.floor(this.#random() * (this.#backbone.config.vocab_size - 300)),
    );
  }
}

function difference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, value, index) => Math.max(largest, Math.abs(value - b[index]!)), 0);
}
