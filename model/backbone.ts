import type { AgentTensors } from './agent-tensors.js';
import type { ModelConfig } from './config.js';
import type { Tokenizer } from './tokenizer.js';

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

/** Decoding over one memory with one agent. Rows are independent sequences; rows that step together share one run of the graph. */
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
   */
  step(feeds: readonly Feed[], signal?: AbortSignal): Promise<Float32Array[][]>;
  /** Mean of the router's gates over all tokens and layers so far, 0 to 1; 0 before the first step. */
  readonly routerGateMean: number;
  /** Gives all rows up. */
  close(): void;
}

/** The frozen encoder-decoder: tokenizer, sessions and limits. */
export interface Backbone {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  /** Runs the encoder on 1 to `max_source_tokens` ids. */
  encode(ids: readonly number[], signal?: AbortSignal): Promise<Memory>;
  /** Opens a decoder over a memory with an agent's tensors. */
  open(memory: Memory, agent: AgentTensors): DecoderState;
  /** Releases the sessions. */
  close(): Promise<void>;
}

/** Settings of the runtime. */
export interface BackboneOptions {
  /** Directory with config.json, graphs, weights and tokenizer. */
  readonly directory: string;
  /** Threads of one graph run; default 1. */
  readonly threads?: number;
}

export declare function loadBackbone(options: BackboneOptions): Promise<Backbone>;
