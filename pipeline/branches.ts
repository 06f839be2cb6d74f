import type { RunnerUp } from '../model/generate.js';

/** A sequence from which others may branch off. */
export interface Trunk {
  /** Which sequence; branches name it. */
  readonly index: number;
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
  readonly runnersUp: readonly RunnerUp[];
  /** Log-probability of what the sequence is based on (its hypothesis). */
  readonly prior: number;
}

/** Where to leave a trunk: its tokens before `position`, then `token`. */
export interface Branch extends RunnerUp {
  readonly trunk: number;
}

/**
 * The places at which sequences may go another way, likeliest first: by the probability of everything up to the other token.
 * So the second-best choice of an unsure place comes before that of a sure one. No place is given twice, nor the same text
 * from two trunks.
 */
export class BranchQueue {
  #branches: { readonly branch: Branch; readonly key: string; readonly total: number }[] = [];
  /** Beginnings that were queued. */
  readonly #known = new Set<string>();
  /** Beginnings that a trunk has: to branch off there would give that trunk again. */
  readonly #walked = new Set<string>();
  readonly #skip: ReadonlySet<number>;

  /** Runners-up among `skip` lead nowhere new. */
  constructor(skip: ReadonlySet<number>) {
    this.#skip = skip;
  }

  add({ index, tokens, logprobs, runnersUp, prior }: Trunk): void {
    let position = 0;
    let before = prior;
    for (const other of runnersUp) {
      for (; position < other.position; position++) before += logprobs[position]!;
      const prefix = tokens.slice(0, position);
      this.#walked.add([...prefix, tokens[position]!].join());
      const key = [...prefix, other.token].join();
      if (this.#skip.has(other.token) || !Number.isFinite(other.logprob) || this.#known.has(key)) continue;
      this.#known.add(key);
      this.#branches.push({ branch: { trunk: index, ...other }, key, total: before + other.logprob });
    }
  }

  /** Takes up to `count` of the likeliest out. */
  take(count: number): Branch[] {
    // A stable sort: of equals, what was added first comes first.
    this.#branches = this.#branches.filter(({ key }) => !this.#walked.has(key)).sort((a, b) => b.total - a.total);
    return this.#branches.splice(0, count).map(({ branch }) => branch);
  }
}
