import type { Row } from './decoder-state.js';
import type { Constraint } from './constraint.js';

/** A sequence to generate: a row, what may follow, and the prompt's tokens not yet fed to the row. */
export interface Start {
  readonly row: Row;
  readonly constraint: Constraint;
  /** Tokens to feed first (part of the prompt, not of the result); may be empty if `logits` is given. */
  readonly prompt?: readonly number[];
  /** Logits [V] after the row's last token, if the row was fed before. */
  readonly logits?: Float32Array;
}

/** How to choose tokens. */
export interface ChoiceOptions {
  /** 0 (default) takes the most likely token. */
  readonly temperature?: number;
  /** Keeps the k most likely tokens; 0 (default) keeps all. */
  readonly topK?: number;
  /** Keeps the most likely tokens up to this sum of probability; 1 (default) keeps all. */
  readonly topP?: number;
  /** Refuses a token that would repeat a run of n generated tokens; 0 (default) refuses none. Yields where nothing else is allowed. */
  readonly noRepeatNgram?: number;
}

/** Settings of `generate`. */
export interface GenerateOptions extends ChoiceOptions {
  /** Most tokens of one sequence, forced ones included. */
  readonly maxNewTokens: number;
  /** Seed of the sampling; start i draws from its own stream, so its result does not depend on the others. Default 0. */
  readonly seed?: number;
  /** Longest draft to verify in one step; 0 turns drafts off. Default 16. */
  readonly maxDraft?: number;
  /** How many other tokens to note at each choice, see `Finished.runnersUp`; default 0. Greedy decoding only. */
  readonly runnersUp?: number;
  /** Asked before each run of the graph; true ends all open sequences as `stopped`. */
  readonly isOver?: () => boolean;
  readonly signal?: AbortSignal;
  /** Called for every token as it is settled. */
  readonly onToken?: (event: TokenEvent) => void;
}

/** One settled token. */
export interface TokenEvent {
  /** Index of the start. */
  readonly index: number;
  readonly token: number;
  /** True if the constraint left no choice. */
  readonly forced: boolean;
}

/** A token that the model found likely where it chose another one. */
export interface RunnerUp {
  /** Index in `tokens` of what was chosen. */
  readonly position: number;
  readonly token: number;
  /** Among what the constraint allowed, at temperature 1. */
  readonly logprob: number;
}

/** A finished sequence. The row is kept: drop it, or go on from it. */
export interface Finished {
  readonly row: Row;
  readonly constraint: Constraint;
  /** Generated tokens, forced ones included, the prompt not. */
  readonly tokens: readonly number[];
  /** For each token its log-probability among what the constraint allowed (temperature 1); 0 for forced ones. */
  readonly logprobs: readonly number[];
  /** Sum of `logprobs`. */
  readonly logprob: number;
  /** Number of tokens the model chose (not forced). */
  readonly choices: number;
  /** `done`: the constraint is complete; `length`: `maxNewTokens` were reached first; `stopped`: time was up. */
  readonly finish: 'done' | 'length' | 'stopped';
  /** What else could have been chosen, where it was asked for. */
  readonly runnersUp: readonly RunnerUp[];
  /** Generated tokens at the end that the row was not fed with. */
  readonly pending: readonly number[];
}

/** Settings of `beam`. */
export interface BeamOptions {
  /** Number of sequences followed at a time. */
  readonly width: number;
  readonly maxNewTokens: number;
  /** Most finished sequences to return; default `width`. */
  readonly count?: number;
  /** 0 (default) ranks by the sum of log-probabilities, 1 by their mean over the choices. */
  readonly lengthPenalty?: number;
  /** Asked before each run of the graph; true ends the search with what is complete. */
  readonly isOver?: () => boolean;
  readonly signal?: AbortSignal;
}
