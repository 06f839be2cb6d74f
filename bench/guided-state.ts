import type { DecoderState, Feed, Row } from '../model/decoder-state.js';

/** Higher than any logit of a model. */
const CERTAIN = 1e4;

/**
 * A decoder that does all the work of another, and then prefers the tokens of a given text: what is generated is
 * known, and so is comparable between models, while the time is that of real decoding. Counts the runs.
 */
export class GuidedState implements DecoderState {
  /** Runs of the graph that yielded logits. */
  runs = 0;

  /** `text` are the tokens of the row from its first on, prompt included; without it the model decides. */
  constructor(
    private readonly inner: DecoderState,
    private readonly text?: readonly number[],
  ) {}

  async step(feeds: readonly Feed[], signal?: AbortSignal): Promise<Float32Array[][]> {
    const logits = await this.inner.step(feeds, signal);
    this.runs++;
    feeds.forEach(({ row }, index) => {
      const rows = logits[index]!;
      rows.forEach((values, k) => {
        const wanted = this.text?.[row.tokens.length - rows.length + k + 1];
        if (wanted !== undefined) values[wanted] = CERTAIN;
      });
    });
    return logits;
  }

  row(): Row {
    return this.inner.row();
  }
  fork(row: Row): Row {
    return this.inner.fork(row);
  }
  drop(row: Row): void {
    this.inner.drop(row);
  }
  truncate(row: Row, length: number): void {
    this.inner.truncate(row, length);
  }
  get routerGateMean(): number {
    return this.inner.routerGateMean;
  }
  get usage(): DecoderState['usage'] {
    return this.inner.usage;
  }
  close(): void {
    this.inner.close();
  }
}
