import type { DecoderState, Row } from './decoder-state.js';
import { ModelError } from './errors.js';
import type { BeamOptions, Finished, Start } from './generation.js';
import { topChoices } from './sampling.js';
import { Sequence } from './sequence.js';

/** A way to go on: which open sequence, by which token, and the sum of log-probabilities then. */
interface Branch {
  readonly parent: Sequence;
  readonly token: number;
  readonly logprob: number;
  readonly total: number;
}

/**
 * Beam search from one start: follows the `width` most likely sequences at a time. Forced text costs nothing, so sequences
 * of different lengths compete by their choices. Returns up to `count` sequences, complete ones first, best first; their
 * rows are kept, all others (the start's row may be among them) dropped. Ends as soon as no open sequence can enter the result.
 * Throws `ModelError`: `options_invalid`, `dead_end`, `aborted`, and what `DecoderState.step` throws.
 */
export async function beam(state: DecoderState, start: Start, options: BeamOptions): Promise<Finished[]> {
  const search = new BeamSearch(state, options);
  search.admit(new Sequence(start.row, start.constraint, start.prompt ?? []), 0);
  let logits = search.live[0]?.pending.length === 0 ? [requireLogits(start)] : undefined;
  while (search.live.length > 0 && !search.settled() && !options.isOver?.()) {
    search.follow(logits ?? (await search.step()));
    logits = undefined;
  }
  for (const sequence of search.live) state.drop(sequence.row);
  return search.finished;
}

function requireLogits(start: Start): Float32Array {
  if (start.logits === undefined) throw new ModelError('options_invalid', 'A start needs a prompt or logits.');
  return start.logits;
}

class BeamSearch {
  /** Open sequences, best first; each has tokens to feed. */
  live: Sequence[] = [];
  /** Results, complete ones first, best first. */
  readonly finished: Finished[] = [];
  readonly #state: DecoderState;
  readonly #width: number;
  readonly #count: number;
  readonly #maxNewTokens: number;
  readonly #penalty: number;
  readonly #signal: AbortSignal | undefined;

  constructor(state: DecoderState, options: BeamOptions) {
    const { width, count = width, maxNewTokens, lengthPenalty = 0, signal } = options;
    const whole = [width, count, maxNewTokens].every((value) => Number.isSafeInteger(value) && value >= 0);
    if (!whole || width === 0 || count === 0 || !(lengthPenalty >= 0)) {
      throw new ModelError('options_invalid', 'width and count must be at least 1, lengthPenalty at least 0.');
    }
    this.#state = state;
    this.#width = width;
    this.#count = count;
    this.#maxNewTokens = maxNewTokens;
    this.#penalty = lengthPenalty;
    this.#signal = signal;
  }

  /** True if no open sequence can still get better than the results there are. */
  settled(): boolean {
    const worst = this.finished[this.#count - 1];
    if (worst?.finish !== 'done') return false;
    // At best an open sequence loses nothing more and is divided by the greatest length.
    const score = this.#score(worst.logprob, worst.choices);
    return this.live.every((sequence) => this.#score(sequence.logprob, this.#maxNewTokens) <= score);
  }

  async step(): Promise<Float32Array[]> {
    const feeds = this.live.map((sequence) => ({ row: sequence.row, tokens: [...sequence.pending] }));
    const logits = await this.#state.step(feeds, this.#signal);
    for (const sequence of this.live) sequence.pending.length = 0;
    return logits.map((rows) => rows[0]!);
  }

  /** Replaces the open sequences by their best continuations, given the logits [V] behind each. */
  follow(logits: readonly Float32Array[]): void {
    const branches: Branch[] = this.live.flatMap((parent, index) =>
      topChoices(logits[index]!, parent.constraint.allowed(), 2 * this.#width).map(({ token, logprob }) => ({
        parent,
        token,
        logprob,
        total: parent.logprob + logprob,
      })),
    );
    // A stable sort: of equals, the better parent's comes first.
    branches.sort((a, b) => b.total - a.total);
    const parents = this.live;
    const free = new Set<Row>(parents.map((parent) => parent.row));
    const chosen = this.#choose(branches);
    const users = new Map<Sequence, number>();
    for (const { parent } of chosen) users.set(parent, (users.get(parent) ?? 0) + 1);
    this.live = [];
    chosen.forEach(({ parent, token, logprob }, rank) => {
      const left = users.get(parent)! - 1;
      users.set(parent, left);
      // The last user of a row takes it, the others a copy.
      const row = left === 0 ? parent.row : this.#state.fork(parent.row);
      if (left === 0) free.delete(row);
      const constraint = left === 0 ? parent.constraint : parent.constraint.clone();
      const child = new Sequence(row, constraint, [], parent);
      child.append(token, logprob, false);
      this.admit(child, rank);
    });
    for (const row of free) this.#state.drop(row);
  }

  /** Adds a sequence: forced text first, then it is open or finished; finished ones count if they are among the best `width`. */
  admit(sequence: Sequence, rank: number): void {
    for (;;) {
      const finish = sequence.finished(this.#maxNewTokens);
      if (finish !== undefined) {
        if (rank < this.#width) this.#finish(sequence.result(finish));
        else this.#state.drop(sequence.row);
        return;
      }
      const run = sequence.forced();
      if (run.length === 0) break;
      const room = this.#maxNewTokens - sequence.tokens.length;
      for (const token of run.slice(0, room)) sequence.append(token, 0, true);
    }
    this.live.push(sequence);
  }

  /** The best branches that leave `width` sequences open; those that end on the way are taken as well. */
  #choose(branches: readonly Branch[]): Branch[] {
    const chosen: Branch[] = [];
    let open = 0;
    for (const branch of branches) {
      if (open === this.#width) break;
      const probe = branch.parent.constraint.clone();
      probe.advance(branch.token);
      for (let run = probe.forced(); !probe.done && run.length > 0; run = probe.forced())
        run.forEach((token) => {
          probe.advance(token);
        });
      if (!probe.done) open++;
      else if (chosen.length >= this.#width) continue;
      chosen.push(branch);
    }
    return chosen;
  }

  #finish(result: Finished): void {
    const { finished } = this;
    finished.push(result);
    const score = ({ logprob, choices }: Finished): number => this.#score(logprob, choices);
    finished.sort((a, b) => Number(a.finish !== 'done') - Number(b.finish !== 'done') || score(b) - score(a));
    for (const lost of finished.splice(this.#count)) this.#state.drop(lost.row);
  }

  #score(logprob: number, choices: number): number {
    return logprob / Math.max(1, choices) ** this.#penalty;
  }
}
