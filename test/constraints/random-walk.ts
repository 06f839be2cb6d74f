import assert from 'node:assert/strict';
import type { Constraint } from '../../model/constraint.js';

/** A small seeded generator (mulberry32), 0 ≤ x < 1. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const pick = <T>(random: () => number, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

export interface WalkOptions {
  readonly random: () => number;
  readonly vocabularySize: number;
  /** Tokens preferred in free text, for example the newline or those of a deleted line. */
  readonly favourites: readonly number[];
  /** How often a favourite or a draft is taken in free text, 0 to 1. */
  readonly favour: number;
}

/**
 * Walks an automaton to its end with random choices, as a model with random logits would. On the way checks that
 * `forced` agrees with `allowed`, that something is always possible, and that a clone does not move with its original.
 */
export function randomWalk(constraint: Constraint, options: WalkOptions): number[] {
  const { random, favourites } = options;
  const tokens: number[] = [];
  while (!constraint.done) {
    assert.ok(tokens.length < 2000, 'the walk ends');
    const before = constraint.clone();
    const forced = constraint.forced();
    for (const token of forced) {
      const allowed = constraint.allowed();
      assert.ok(
        'only' in allowed && allowed.only.length === 1 && allowed.only[0] === token,
        'forced is the only choice',
      );
      constraint.advance(token);
      tokens.push(token);
    }
    if (forced.length > 0) {
      assert.deepEqual(before.forced(), forced, 'a clone stays where it was');
      continue;
    }
    const allowed = constraint.allowed();
    let token: number;
    if ('only' in allowed) {
      assert.ok(allowed.only.length > 1, 'a choice has two sides');
      assert.equal(new Set(allowed.only).size, allowed.only.length);
      token = pick(random, allowed.only);
    } else {
      const draft = constraint.draft?.() ?? [];
      const candidates = random() < options.favour ? (draft.length > 0 ? draft.slice(0, 1) : favourites) : [];
      token = candidates.length > 0 ? pick(random, candidates) : Math.floor(random() * options.vocabularySize);
      if (allowed.except.has(token)) continue;
    }
    constraint.advance(token);
    tokens.push(token);
  }
  return tokens;
}
