/**
 * Which token ids may come next: only those listed (never empty), or all but a few.
 * The generator asks the model only where there is a choice.
 */
export type Allowed = { readonly only: readonly number[] } | { readonly except: ReadonlySet<number> };

/**
 * A cloneable automaton over tokens that says what may come next. It starts after the prompt and sees every generated
 * token, in order, by `advance`. The generator's order of questions is: `done`, `forced()`, `draft()`, `allowed()`.
 */
export interface Constraint {
  /** True once the sequence is complete: nothing more is asked and no token is added. */
  readonly done: boolean;

  /**
   * The run of tokens that is the only possibility from here, [] if there is a choice. The tokens are appended without
   * asking the model (and then fed to it in one step). A run may end the sequence. The generator advances through them.
   */
  forced(): readonly number[];

  /**
   * A guess at the tokens that come next, [] if there is none: for example the line just deleted, while it is typed again.
   * It costs little to be wrong: greedy decoding verifies the guess in one step and keeps the part it agrees with;
   * sampling and beam search do not ask.
   */
  draft?(): readonly number[];

  /** What may come next. Asked only when `done` is false and `forced()` is empty. */
  allowed(): Allowed;

  /** Takes the token that came. Throws if it is not allowed. */
  advance(token: number): void;

  /** An independent copy in the same state. */
  clone(): Constraint;
}
