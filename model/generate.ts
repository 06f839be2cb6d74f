import type { DecoderState, Feed } from './decoder-state.js';
import { ModelError } from './errors.js';
import type { Finished, GenerateOptions, Start } from './generation.js';
import { createRandom, type Random } from './random.js';
import { chooseToken, topChoices, type Choice } from './sampling.js';
import { Sequence } from './sequence.js';

export { beam } from './beam.js';
export type {
  BeamOptions,
  ChoiceOptions,
  Finished,
  GenerateOptions,
  RunnerUp,
  Start,
  TokenEvent,
} from './generation.js';

const DEFAULT_MAX_DRAFT = 16;
/** A row's first draft has at most this many tokens; success doubles it, failure halves it. */
const FIRST_DRAFT = 6;
const SHORTEST_DRAFT = 2;

/**
 * A sequence with its own random numbers and the draft that is being verified: after a step `logits[i]` are those behind
 * the first i tokens of the draft, and `agreed` of these have turned out right so far.
 */
class Generation extends Sequence {
  readonly index: number;
  readonly random: Random;
  draft: readonly number[] = [];
  logits: readonly Float32Array[];
  agreed = 0;
  draftLimit = FIRST_DRAFT;
  /** Tokens of the row before the draft. */
  settled = 0;

  constructor(start: Start, index: number, seed: number) {
    super(start.row, start.constraint, start.prompt ?? []);
    this.index = index;
    this.random = createRandom(seed, index);
    this.logits = start.logits !== undefined && this.pending.length === 0 ? [start.logits] : [];
    if (this.logits.length === 0 && this.pending.length === 0) {
      throw new ModelError('options_invalid', 'A start needs a prompt or the logits after its row.');
    }
  }

  /** Logits for the next token, if the steps so far give them. */
  get nextLogits(): Float32Array | undefined {
    return this.pending.length === 0 ? this.logits[this.agreed] : undefined;
  }

  /** Adds a token; while it agrees with the draft, the row has seen it. */
  settle(token: number, logprob: number, forced: boolean): void {
    const fed = this.pending.length === 0 && this.draft[this.agreed] === token;
    this.append(token, logprob, forced, fed);
    if (fed) this.agreed++;
  }
}

/**
 * Generates all starts together, one batch per step, until each constraint is done or `maxNewTokens` is reached.
 * Forced text is appended without asking the model. Greedy decoding (temperature 0) verifies drafts; the result is the same
 * as without. Returns the results in order of the starts.
 * Throws `ModelError`: `options_invalid`, `dead_end`, `aborted`, and what `DecoderState.step` throws.
 */
export async function generate(
  state: DecoderState,
  starts: readonly Start[],
  options: GenerateOptions,
): Promise<Finished[]> {
  checkOptions(options);
  const results: Finished[] = [];
  let live = starts.map((start, index) => new Generation(start, index, options.seed ?? 0));
  for (;;) {
    live = live.filter((sequence) => {
      const finish = advance(sequence, options);
      endDraft(state, sequence);
      if (finish === undefined) return true;
      leaveLastPending(state, sequence);
      results[sequence.index] = sequence.result(finish);
      return false;
    });
    if (live.length === 0) return results;
    if (options.isOver?.()) {
      for (const sequence of live) results[sequence.index] = sequence.result('stopped');
      return results;
    }
    const feeds = live.map((sequence) => nextFeed(sequence, live.length, options));
    const logits = await state.step(feeds, options.signal);
    live.forEach((sequence, position) => {
      sequence.logits = logits[position]!;
      sequence.pending.length = 0;
    });
  }
}

/** Adds tokens as far as the logits at hand go. Returns how the sequence ended, undefined if a step is needed. */
function advance(sequence: Generation, options: GenerateOptions): Finished['finish'] | undefined {
  const { maxNewTokens, onToken } = options;
  const settle = (token: number, logprob: number, forced: boolean): void => {
    sequence.settle(token, logprob, forced);
    onToken?.({ index: sequence.index, token, forced });
  };
  for (;;) {
    const finish = sequence.finished(maxNewTokens);
    if (finish !== undefined) return finish;
    const run = sequence.forced();
    if (run.length > 0) {
      for (const token of run.slice(0, maxNewTokens - sequence.tokens.length)) settle(token, 0, true);
      continue;
    }
    const logits = sequence.nextLogits;
    if (logits === undefined) return undefined;
    const { token, logprob } = choose(sequence, logits, options);
    settle(token, logprob, false);
  }
}

/** The next token; notes the runners-up where they are wanted. */
function choose(sequence: Generation, logits: Float32Array, options: GenerateOptions): Choice {
  const { constraint, random, tokens } = sequence;
  const { runnersUp = 0 } = options;
  if (runnersUp === 0) return chooseToken(logits, constraint.allowed(), options, random, tokens);
  const [best, ...others] = topChoices(logits, constraint.allowed(), 1 + runnersUp);
  for (const other of others) sequence.runnersUp.push({ position: tokens.length, ...other });
  return best!;
}

/** Takes back what the row was fed of a draft that turned out wrong, and learns from it how long the next may be. */
function endDraft(state: DecoderState, sequence: Generation): void {
  const { draft, agreed } = sequence;
  if (agreed < draft.length) state.truncate(sequence.row, sequence.settled + agreed);
  if (draft.length > 0) {
    sequence.draftLimit = agreed === draft.length ? 2 * sequence.draftLimit : Math.max(SHORTEST_DRAFT, agreed);
  }
  sequence.draft = [];
  sequence.logits = [];
  sequence.agreed = 0;
}

/** Whoever goes on from a result needs something to feed: its last token, which a draft may have fed already, is taken back. */
function leaveLastPending(state: DecoderState, sequence: Generation): void {
  const last = sequence.tokens.at(-1);
  if (last === undefined || sequence.pending.length > 0) return;
  state.truncate(sequence.row, sequence.row.tokens.length - 1);
  sequence.pending.push(last);
}

function nextFeed(sequence: Generation, rows: number, options: GenerateOptions): Feed {
  const { maxNewTokens, temperature = 0, maxDraft = DEFAULT_MAX_DRAFT } = options;
  // The batch is as long as its longest row, so rows share the length that a single row may draft.
  const limit = Math.min(Math.floor(maxDraft / rows), sequence.draftLimit, maxNewTokens - sequence.tokens.length - 1);
  if (temperature === 0 && limit > 0) sequence.draft = sequence.constraint.draft?.().slice(0, limit) ?? [];
  sequence.settled = sequence.row.tokens.length + sequence.pending.length;
  return {
    row: sequence.row,
    tokens: [...sequence.pending, ...sequence.draft],
    logits: sequence.draft.length + 1,
  };
}

function checkOptions(options: GenerateOptions): void {
  const { maxNewTokens, temperature = 0, topK = 0, topP = 1, noRepeatNgram = 0, maxDraft = 0, runnersUp = 0 } = options;
  const whole = { maxNewTokens, topK, noRepeatNgram, maxDraft, runnersUp };
  for (const [name, value] of Object.entries(whole)) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new ModelError('options_invalid', `${name} must be a whole number.`);
  }
  if (!(temperature >= 0 && temperature <= 100))
    throw new ModelError('options_invalid', 'temperature must be 0 to 100.');
  if (runnersUp > 0 && (temperature > 0 || noRepeatNgram > 0))
    throw new ModelError('options_invalid', 'runnersUp is for plain greedy decoding.');
  if (!(topP > 0 && topP <= 1)) throw new ModelError('options_invalid', 'topP must be above 0 and at most 1.');
}
