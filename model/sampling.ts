import type { Allowed } from './constraint.js';
import { ModelError } from './errors.js';
import type { ChoiceOptions } from './generation.js';
import type { Random } from './random.js';

/** A token with its log-probability among the allowed ones, at temperature 1. */
export interface Choice {
  readonly token: number;
  readonly logprob: number;
}

/** Logits of what may be chosen: all ids if `ids` is undefined (refused ones at -Infinity), else those of `ids`. */
interface Candidates {
  readonly ids: readonly number[] | undefined;
  /** May be changed: belongs to the call, or is the scratch. */
  readonly scores: Float32Array;
  /** Index of the largest score, the first of equals. */
  readonly best: number;
  /** log of the sum of exp(score). */
  readonly logSum: number;
}

/** Copy of the logits in which refused ids are struck out; overwritten by every call. */
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
  const logSum = scores[best]! + Math.log(sumOfWeights(scores, scores[best]!, 1));
  if (!Number.isFinite(logSum)) throw new ModelError('graph_failed', 'The logits are not finite.');
  return { ids, scores, best, logSum };
}

function choiceAt({ ids, scores, logSum }: Candidates, index: number): Choice {
  return { token: ids === undefined ? index : ids[index]!, logprob: scores[index]! - logSum };
}

/** The `count` most likely tokens, best first; fewer if fewer are allowed. Throws `ModelError` (`dead_end`, `graph_failed`). */
export function topChoices(logits: Float32Array, allowed: Allowed, count: number): Choice[] {
  const candidates = candidatesOf(logits, allowed);
  return bestIndices(candidates.scores, count).map((index) => choiceAt(candidates, index));
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
  const { temperature = 0, noRepeatNgram = 0 } = options;
  const candidates = candidatesOf(logits, allowed);
  let { best } = candidates;
  if (noRepeatNgram > 0) best = strikeOut(candidates, repeatingTokens(history, noRepeatNgram));
  return choiceAt(candidates, temperature === 0 ? best : draw(candidates.scores, best, options, random));
}

/** Refuses tokens unless that would leave none. Returns the index of the best one left. */
function strikeOut({ ids, scores, best }: Candidates, refused: ReadonlySet<number>): number {
  if (refused.size === 0) return best;
  const struck = [...refused].map((token) => (ids === undefined ? token : ids.indexOf(token))).filter((at) => at >= 0);
  const before = struck.map((index) => scores[index]!);
  for (const index of struck) scores[index] = -Infinity;
  const left = largest(scores);
  if (left >= 0) return left;
  struck.forEach((index, at) => (scores[index] = before[at]!));
  return best;
}

/** Draws an index by exp(score / temperature) from the `topK` best, and of these from the shortest beginning that holds `topP` of their weight. */
function draw(scores: Float32Array, best: number, options: ChoiceOptions, random: Random): number {
  const { temperature = 1, topK = 0, topP = 1 } = options;
  const top = scores[best]!;
  if (topK === 0 && topP === 1) {
    let rest = random() * sumOfWeights(scores, top, temperature);
    for (let index = 0; index < scores.length; index++) {
      rest -= weight((scores[index]! - top) / temperature);
      if (rest < 0) return index;
    }
    return best;
  }
  const weightOf = (score: number): number => weight((score - top) / temperature);
  const weightAt = (index: number): number => weightOf(scores[index]!);
  const few = bestIndices(scores, topK > 0 ? topK : FEW);
  const fewSum = few.reduce((sum, index) => sum + weightAt(index), 0);
  const wanted = topP * (topK > 0 ? fewSum : sumOfWeights(scores, top, temperature));
  let kept = few;
  if (topK === 0 && fewSum < wanted) {
    kept = holding(scores, wanted, weightOf);
  } else {
    let sum = 0;
    const last = few.findIndex((index) => (sum += weightAt(index)) >= wanted);
    if (last >= 0) kept = few.slice(0, last + 1);
  }
  let rest = random() * kept.reduce((sum, index) => sum + weightAt(index), 0);
  return kept.find((index) => (rest -= weightAt(index)) < 0) ?? kept[kept.length - 1]!;
}

/** The smallest set of the best whose weights reach a sum, in order of index: for flat distributions, where it is large. */
function holding(scores: Float32Array, wanted: number, weightOf: (score: number) => number): number[] {
  // Sorting the numbers themselves takes a tenth of the time of sorting indices by them.
  const sorted = scores.slice().sort();
  let first = sorted.length;
  for (let sum = 0; first > 0 && sum < wanted;) sum += weightOf(sorted[--first]!);
  const last = sorted[first]!;
  /** Of those that equal the last one, as many as are in the set. */
  let equals = sorted.findIndex((score) => score > last);
  equals = (equals < 0 ? sorted.length : equals) - first;
  const kept: number[] = [];
  for (let index = 0; index < scores.length; index++) {
    if (scores[index]! > last || (scores[index] === last && equals-- > 0)) kept.push(index);
  }
  return kept;
}

/** Index of the largest number, the first of equals; -1 if there is none above -Infinity. */
function largest(scores: Float32Array): number {
  let best = -1;
  let top = -Infinity;
  for (let index = 0; index < scores.length; index++) {
    if (scores[index]! > top) {
      top = scores[index]!;
      best = index;
    }
  }
  return best;
}

/** More than this many are sorted as a whole. */
const FEW = 128;

/** Indices of the `count` largest numbers above -Infinity, largest first, equals in order of index. */
function bestIndices(scores: Float32Array, count: number): number[] {
  const order: number[] = [];
  if (count > FEW) {
    const sorted = scores.slice().sort();
    const last = sorted[Math.max(0, sorted.length - count)]!;
    for (let index = 0; index < scores.length; index++) {
      if (scores[index]! >= last && scores[index]! > -Infinity) order.push(index);
    }
    return order.sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, count);
  }
  let least = -Infinity;
  for (let index = 0; index < scores.length; index++) {
    const score = scores[index]!;
    if (!(score > least)) continue;
    let at = order.length < count ? order.length : count - 1;
    for (; at > 0 && scores[order[at - 1]!]! < score; at--) order[at] = order[at - 1]!;
    order[at] = index;
    if (order.length === count) least = scores[order[count - 1]!]!;
  }
  return order;
}

/** Below the best by this much a token weighs less than 1e-12 of it and is left out. */
const NEGLIGIBLE = 28;
const STEPS = 64;
/** exp(-i / STEPS). */
const POWERS = Float64Array.from({ length: NEGLIGIBLE * STEPS + 1 }, (_, i) => Math.exp(-i / STEPS));

/** exp(x) for x up to 0, to seven digits, in a quarter of the time of Math.exp: it runs over the whole vocabulary for every token. */
function weight(x: number): number {
  const scaled = -x * STEPS;
  if (!(scaled < NEGLIGIBLE * STEPS)) return 0;
  const step = scaled | 0;
  const rest = (scaled - step) / STEPS;
  return POWERS[step]! * (1 - rest * (1 - rest * (0.5 - rest / 6)));
}

/** Sum of exp((score - top) / temperature); infinite if top is. */
function sumOfWeights(scores: Float32Array, top: number, temperature: number): number {
  let sum = 0;
  for (let index = 0; index < scores.length; index++) sum += weight((scores[index]! - top) / temperature);
  return sum;
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
