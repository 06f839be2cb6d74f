import type { Row } from './decoder-state.js';
import type { Constraint } from './constraint.js';
import type { Finished, RunnerUp } from './generation.js';

/** A sequence while it is generated: its tokens, and those of them that its row has not been fed with. */
export class Sequence {
  row: Row;
  readonly constraint: Constraint;
  readonly tokens: number[];
  readonly logprobs: number[];
  readonly runnersUp: RunnerUp[] = [];
  /** Tokens to feed next: at first the prompt, later the tail of `tokens`. */
  readonly pending: number[];
  logprob = 0;
  choices = 0;

  constructor(row: Row, constraint: Constraint, pending: readonly number[], from?: Sequence) {
    this.row = row;
    this.constraint = constraint;
    this.pending = [...pending];
    this.tokens = from === undefined ? [] : [...from.tokens];
    this.logprobs = from === undefined ? [] : [...from.logprobs];
    this.logprob = from?.logprob ?? 0;
    this.choices = from?.choices ?? 0;
  }

  /** Adds a token, to be fed with the next step unless the row has seen it already. */
  append(token: number, logprob: number, forced: boolean, fed = false): void {
    this.constraint.advance(token);
    this.tokens.push(token);
    this.logprobs.push(logprob);
    this.logprob += logprob;
    if (!forced) this.choices++;
    if (!fed) this.pending.push(token);
  }

  finished(maxNewTokens: number): Finished['finish'] | undefined {
    if (this.constraint.done) return 'done';
    return this.tokens.length >= maxNewTokens ? 'length' : undefined;
  }

  /** Tokens that come next without a choice, [] if there is one. */
  forced(): readonly number[] {
    const run = this.constraint.forced();
    if (run.length > 0) return run;
    const allowed = this.constraint.allowed();
    return 'only' in allowed && allowed.only.length === 1 ? allowed.only : [];
  }

  result(finish: Finished['finish']): Finished {
    const { row, constraint, tokens, logprobs, logprob, choices, pending, runnersUp } = this;
    return { row, constraint, tokens, logprobs, logprob, choices, finish, pending, runnersUp };
  }
}
