/** The encoder's keys and values of one text, one pair per decoder layer. Shared by any number of decoders. */
export interface Memory {
  /** Number of encoder tokens, S. */
  readonly sourceLength: number;
}

/** One decoder sequence with its part of the cache. Belongs to the state that made it. */
export interface Row {
  /** Every token fed so far. */
  readonly tokens: readonly number[];
}

/** New tokens (at least one) for one row. */
export interface Feed {
  readonly row: Row;
  readonly tokens: readonly number[];
  /** For how many of the last of these tokens the logits are wanted; default 1, 0 for none. */
  readonly logits?: number;
}

/** Decoding over one memory with one agent. Rows are independent sequences; rows that step together share runs of the graph. */
export interface DecoderState {
  /** A new, empty row. */
  row(): Row;
  /** A copy of a row that goes on by itself. */
  fork(row: Row): Row;
  /** Gives a row up; its place is used again. */
  drop(row: Row): void;
  /** Forgets a row's tokens from `length` on. */
  truncate(row: Row, length: number): void;
  /**
   * Feeds new tokens to rows, different numbers to each if need be. Returns for each feed the logits wanted,
   * each [V], in order of tokens. Not to be called again before it has settled.
   * Throws `ModelError`: `row_invalid`, `token_invalid`, `input_too_long`, `aborted`, `graph_failed`.
   */
  step(feeds: readonly Feed[], signal?: AbortSignal): Promise<Float32Array[][]>;
  /** Mean of the router's gates over all tokens and layers so far, 0 to 1; 0 before the first step. */
  readonly routerGateMean: number;
  /** Runs of the graph so far, and the tokens and sequences fed in them. */
  readonly usage: { readonly runs: number; readonly tokens: number; readonly sequences: number };
  /** Gives all rows up and frees the cache. */
  close(): void;
}
