import { MIN_PATCH_TOKENS, PatchConstraint } from '../model/constraints/patch-constraint.js';
import type { DecoderState, Row } from '../model/decoder-state.js';
import { generate, type Finished, type RunnerUp, type Start } from '../model/generate.js';
import { BranchQueue, type Branch } from './branches.js';
import type { Hypothesis } from './hypotheses.js';
import { constraintFor, type CandidateOptions, type WrittenPatch } from './written-patch.js';

/** A hypothesis that the code agent has read. */
export interface ReadHypothesis {
  readonly hypothesis: Hypothesis;
  /** Fed with the prompt; belongs to the search. */
  readonly row: Row;
  /** Logits [V] after the prompt. */
  readonly logits: Float32Array;
  readonly promptLength: number;
}

/** A patch with all that is needed to branch off from it. */
interface Grown {
  readonly read: ReadHypothesis;
  readonly row: Row;
  readonly constraint: PatchConstraint;
  readonly finish: Finished['finish'];
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
  /** At all positions, those that it shares with what it branched off from included. */
  readonly runnersUp: readonly RunnerUp[];
  /** From here on nothing is shared. */
  readonly ownFrom: number;
  readonly choices: number;
}

/** Tokens noted at each choice beside the one chosen. */
const RUNNERS_UP = 3;

/** Writes patches until they make as many different edits as wanted; greedily, or by chance above temperature 0. */
export class PatchSearch {
  readonly #state: DecoderState;
  readonly #read: readonly ReadHypothesis[];
  readonly #options: CandidateOptions;
  readonly #grown: Grown[] = [];
  readonly #queue: BranchQueue;
  readonly #edits = new Set<string>();

  constructor(state: DecoderState, read: readonly ReadHypothesis[], options: CandidateOptions) {
    this.#state = state;
    this.#read = read;
    this.#options = options;
    // More context first is mostly the same edit, quoted otherwise.
    this.#queue = new BranchQueue(new Set([options.vocabulary.special.ctx]));
  }

  /** How many more different edits are wanted. */
  get missing(): number {
    return Math.max(0, this.#options.wanted - this.#edits.size);
  }

  /** All patches that came to their end, in the order they were begun. */
  get written(): WrittenPatch[] {
    return this.#grown.flatMap(({ read, constraint, finish, tokens, logprobs, choices, runnersUp }) =>
      finish === 'done'
        ? {
            hypothesis: read.hypothesis,
            hunks: constraint.closedHunks,
            tokens,
            logprob: logprobs.reduce((sum, logprob) => sum + logprob, 0),
            choices,
            margin: marginOf(logprobs, runnersUp),
          }
        : [],
    );
  }

  /** The likeliest patch of each hypothesis. */
  async writeFirst(): Promise<void> {
    await this.#writeFromPrompts(
      this.#read.map((_, index) => index),
      this.#options.seed,
      true,
    );
  }

  /** As many patches as are missing. False when there is nowhere else to go. */
  async writeMore(round: number): Promise<boolean> {
    const { temperature, seed } = this.#options;
    if (temperature > 0) {
      const again = Array.from({ length: this.missing }, (_, index) => index % this.#read.length);
      await this.#writeFromPrompts(again, seed + 1 + round, false);
      return true;
    }
    const branches = this.#queue.take(this.missing);
    if (branches.length > 0) await this.#writeBranches(branches);
    return branches.length > 0;
  }

  async #writeFromPrompts(indices: readonly number[], seed: number, report: boolean): Promise<void> {
    const read = indices.map((index) => this.#read[index]!);
    const starts = read.map(({ hypothesis, row, logits, promptLength }): Start => {
      return {
        // Greedy search never starts from a prompt again.
        row: this.#options.temperature > 0 ? this.#state.fork(row) : row,
        constraint: constraintFor(hypothesis, promptLength, this.#options),
        logits,
      };
    });
    const finished = await this.#generate(starts, seed, report);
    this.#admit(
      finished.map((one, index) => ({
        read: read[index]!,
        row: one.row,
        constraint: patchConstraintOf(one),
        finish: one.finish,
        tokens: one.tokens,
        logprobs: one.logprobs,
        runnersUp: one.runnersUp,
        ownFrom: 0,
        choices: one.choices,
      })),
    );
  }

  async #writeBranches(branches: readonly Branch[]): Promise<void> {
    const starts = branches.map(({ trunk, position, token }): Start => {
      const { read, row, tokens } = this.#grown[trunk]!;
      const constraint = constraintFor(read.hypothesis, read.promptLength, this.#options);
      for (const before of tokens.slice(0, position)) constraint.advance(before);
      constraint.advance(token);
      const copy = this.#state.fork(row);
      this.#state.truncate(copy, read.promptLength + position);
      return { row: copy, constraint, prompt: [token] };
    });
    const finished = await this.#generate(starts, this.#options.seed, false);
    this.#admit(
      finished.map((one, index) => {
        const { trunk, position, token, logprob } = branches[index]!;
        const from = this.#grown[trunk]!;
        const noted = from.runnersUp.filter((other) => other.position < position);
        // What the branch left is now the best other choice there.
        const left = { position, token: from.tokens[position]!, logprob: from.logprobs[position]! };
        const shifted = one.runnersUp.map((other) => ({ ...other, position: other.position + position + 1 }));
        return {
          read: from.read,
          row: one.row,
          constraint: patchConstraintOf(one),
          finish: one.finish,
          tokens: [...from.tokens.slice(0, position), token, ...one.tokens],
          logprobs: [...from.logprobs.slice(0, position), logprob, ...one.logprobs],
          runnersUp: [...noted, left, ...shifted],
          ownFrom: position + 1,
          choices: new Set(noted.map((other) => other.position)).size + 1 + one.choices,
        };
      }),
    );
  }

  async #generate(starts: readonly Start[], seed: number, report: boolean): Promise<Finished[]> {
    const { maxPatchTokens, temperature, topP, isOver, signal, onToken } = this.#options;
    return generate(this.#state, starts, {
      maxNewTokens: Math.max(maxPatchTokens, MIN_PATCH_TOKENS),
      temperature,
      topP: temperature > 0 ? topP : 1,
      seed,
      ...(temperature === 0 && { runnersUp: RUNNERS_UP }),
      ...(isOver && { isOver }),
      ...(signal && { signal }),
      ...(report && onToken && { onToken }),
    });
  }

  #admit(grown: readonly Grown[]): void {
    for (const one of grown) {
      const { finish, constraint, tokens, logprobs, read } = one;
      const index = this.#grown.push(one) - 1;
      if (finish !== 'done') continue;
      this.#edits.add(editKey(constraint));
      const runnersUp = one.runnersUp.filter(({ position }) => position >= one.ownFrom);
      this.#queue.add({ index, tokens, logprobs, runnersUp, prior: read.hypothesis.logprob });
    }
  }
}

function patchConstraintOf({ constraint }: Finished): PatchConstraint {
  if (!(constraint instanceof PatchConstraint)) throw new TypeError('This is a bug: not a patch.');
  return constraint;
}

/** Equal for patches that change the same lines in the same way, however much they quote around them. */
function editKey({ closedHunks }: PatchConstraint): string {
  return JSON.stringify(closedHunks.map(({ start, context, deleted, added }) => [start + context, deleted, added]));
}

function marginOf(logprobs: readonly number[], runnersUp: readonly RunnerUp[]): number {
  const best = new Map<number, number>();
  for (const { position, logprob } of runnersUp) best.set(position, Math.max(best.get(position) ?? -Infinity, logprob));
  const margins = [...best].map(([position, other]) => logprobs[position]! - other);
  return margins.length === 0 ? 0 : Math.min(...margins);
}
