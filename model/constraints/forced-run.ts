import type { Allowed, Constraint } from '../constraint.js';

/** A forced run is cut here, so one step of the model stays bounded; the next call goes on. */
const LONGEST_RUN = 1024;

/**
 * The run of tokens that is the only possibility from here: follows a copy of the automaton
 * for as long as exactly one token may come.
 */
export function forcedRun(constraint: Constraint): number[] {
  const run: number[] = [];
  let ahead: Constraint | undefined;
  while (run.length < LONGEST_RUN) {
    const state = ahead ?? constraint;
    if (state.done) break;
    const allowed = state.allowed();
    if (!('only' in allowed) || allowed.only.length !== 1) break;
    ahead ??= constraint.clone();
    const token = allowed.only[0]!;
    ahead.advance(token);
    run.push(token);
  }
  return run;
}

/** Whether a token is among those that may come. */
export function isPossible(allowed: Allowed, token: number): boolean {
  return 'only' in allowed ? allowed.only.includes(token) : !allowed.except.has(token);
}
