import type { Allowed } from './constraint.js';
import { ModelError } from './errors.js';
import type { ChoiceOptions } from './generation.js';
import type { Random } from './random.js';

/** A token with its log-probability among the allowed ones, at temperature 1. */
export interface Choice {
  readonly token: number;
  readonly logprob: number;
}

/** Below the best by this much (in nats) a token weighs less than 1e-12: left out of sums and of sampling. */
const NEGLIGIBLE = 28;

/** Logits of what may be chosen: all ids if `ids` is undefined (refused ones at -Infinity), else those of `ids`. */
interface Candidates {
  readonly ids: readonly number[] | undefined;
  readonly scores: Float32Array;
  readonly best: number;
  /** log of the sum of exp(score). */
  readonly logSum: number;
}

/** Copy of the logits in which refused ids are struck out; one per vocabulary size, overwritten by every call. */
let scratch = new Float32Array(0);

function candidatesOf(logits: Float32Array, allowed: Allowed): Candidates {
  let ids: readonly number[] | undefined;
  let scores: Float32Array;
  if ('only' in allowed) {
    ids = allowed.only;
    scores = Float32Array.from(ids, (id) => logits[id] ?? NaN);
  } else {
    if (scratch.length !== logits.length) scratch = new Float32Array(logits.length);
    scratch.set(logits);
    for (const id of allowed.except) scratch[id] = -Infinity;
    scores = scratch;
  }
  const best = largest(scores);
  if (best < 0) throw new ModelError('dead_end', 'The constraint allows no token, or the logits are not numbers.');
  const top = scores[best]!;
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    const below = scores[i]! - top;
    if (below > -NEGLIGIBLE) sum += Math.exp(below);
  }
  const logSum = top + Math.log(sum);
  if (!Number.isFinite(logSum)) throw new ModelError('graph_failed', 'The logits are not finite.');
  return { ids, scores, best, logSum };
}

/** Index of the largest number, the first of equals; -1 if there is none above -Infinity. */
function largest(scores: Float32Array): number {
  let best = -1;
  let top = -Infinity;
  for (let i = 0; i < scores.length; i++) {
    if (scores[i]! > top) {
      top = scores[i]!;
      best = i;
    }
  }
  return best;
}

function choiceAt({ ids, scores, logSum }: Candidates, index: number): Choice {
  return { token: ids === undefined ? index : ids[index]!, logprob: scores[index]! - logSum };
}

/** Indices of the candidates that are not negligible at a temperature, best first, equals in order of index. */
function ranked({ scores, best }: Candidates, temperature: number): number[] {
  const floor = scores[best]! - NEGLIGIBLE * temperature;
  const kept: number[] = [];
  for (let i = 0; i < scores.length; i++) if (scores[i]! > floor) kept.push(i);
  return kept.sort((a, b) => scores[b]! - scores[a]! || a - b);
}

/** The `count` most likely tokens, best first; fewer if fewer are allowed. Throws `ModelError` (`dead_end`, `graph_failed`). */
export function topChoices(logits: Float32Array, allowed: Allowed, count: number): Choice[] {
  const candidates = candidatesOf(logits, allowed);
  return ranked(candidates, 1)
    .slice(0, count)
    .map((index) => choiceAt(candidates, index));
}

/**
 * Chooses the next token: the most likely one at temperature 0, else by chance among what `topK` and `topP` leave.
 * `history` are the tokens generated so far, for `noRepeatNgram`. Throws `ModelError` (`dead_end`, `graph_failed`).
 */
export function chooseToken(
  logits: Float32Array,
  allowed: Allowed,
  options: ChoiceOptions,
  random: Random,
  history: readonly number[],
): Choice {
  const { temperature = 0, topK = 0, topP = 1, noRepeatNgram = 0 } = options;
  const candidates = candidatesOf(logits, allowed);
  const repeats = noRepeatNgram > 0 ? repeatingTokens(history, noRepeatNgram) : undefined;
  if (temperature === 0 && (repeats === undefined || repeats.size === 0)) return choiceAt(candidates, candidates.best);

  let order = ranked(candidates, Math.max(1, temperature));
  if (repeats !== undefined && repeats.size > 0) {
    const fresh = order.filter((index) => !repeats.has(choiceAt(candidates, index).token));
    if (fresh.length > 0) order = fresh;
  }
  if (temperature === 0) return choiceAt(candidates, order[0]!);
  if (topK > 0) order = order.slice(0, topK);
  return choiceAt(candidates, draw(candidates.scores, order, temperature, topP, random));
}

/** Draws from `order` (best first) by exp(score / temperature), from the shortest beginning that holds `topP` of the weight. */
function draw(
  scores: Float32Array,
  order: readonly number[],
  temperature: number,
  topP: number,
  random: Random,
): number {
  const top = scores[order[0]!]!;
  const weights = order.map((index) => Math.exp((scores[index]! - top) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let kept = 0;
  let keptCount = 0;
  while (keptCount < weights.length && (keptCount === 0 || kept < topP * total)) kept += weights[keptCount++]!;
  let rest = random() * kept;
  for (let i = 0; i < keptCount; i++) {
    rest -= weights[i]!;
    if (rest < 0) return order[i]!;
  }
  return order[keptCount - 1]!;
}

/** Tokens that would complete a run of `n` tokens which is already in `tokens`. */
export function repeatingTokens(tokens: readonly number[], n: number): Set<number> {
  const found = new Set<number>();
  const tail = tokens.length - (n - 1);
  if (tail <= 0) return found;
  for (let start = 0; start < tail; start++) {
    let same = 0;
    while (same < n - 1 && tokens[start + same] === tokens[tail + same]) same++;
    if (same === n - 1) found.add(tokens[start + n - 1]!);
  }
  return found;
}
