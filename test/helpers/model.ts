import assert from 'node:assert/strict';
import type { DecoderState, Memory } from '../../model/backbone.js';
import type { Allowed, Constraint } from '../../model/constraint.js';
import { createRandom } from '../../model/random.js';

/** Token ids without meaning, reproducible. */
export function someTokens(count: number, seed: number, vocabulary: number): number[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => 30 + Math.floor(random() * (vocabulary - 30)));
}

/** Largest difference of two lists of numbers, as a share of the largest number of the second. */
export function relativeDifference(actual: Float32Array, expected: Float32Array): number {
  assert.equal(actual.length, expected.length);
  let scale = 0;
  let largest = 0;
  for (let i = 0; i < actual.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]!));
    largest = Math.max(largest, Math.abs(actual[i]! - expected[i]!));
  }
  return largest / scale;
}

/** Asserts that two lists of numbers are equal up to `tolerance` of the largest. */
export function assertNear(actual: Float32Array, expected: Float32Array, tolerance: number, what = 'numbers'): void {
  const difference = relativeDifference(actual, expected);
  assert(difference <= tolerance, `${what} differ by ${difference} of the largest`);
}

/** A constraint for tests: what is forced, guessed and allowed is a function of the tokens so far. */
export class ScriptedConstraint implements Constraint {
  readonly tokens: number[];
  readonly rules: {
    done?: (tokens: readonly number[]) => boolean;
    forced?: (tokens: readonly number[]) => readonly number[];
    draft?: (tokens: readonly number[]) => readonly number[];
    allowed?: (tokens: readonly number[]) => Allowed;
  };

  constructor(rules: ScriptedConstraint['rules'], tokens: readonly number[] = []) {
    this.rules = rules;
    this.tokens = [...tokens];
  }

  get done(): boolean {
    return this.rules.done?.(this.tokens) ?? false;
  }

  forced(): readonly number[] {
    return this.rules.forced?.(this.tokens) ?? [];
  }

  draft(): readonly number[] {
    return this.rules.draft?.(this.tokens) ?? [];
  }

  allowed(): Allowed {
    return this.rules.allowed?.(this.tokens) ?? { except: new Set() };
  }

  advance(token: number): void {
    const allowed = this.allowed();
    const forced = this.forced()[0];
    assert(
      forced === token || ('only' in allowed ? allowed.only.includes(token) : !allowed.except.has(token)),
      `token ${token} is not allowed`,
    );
    this.tokens.push(token);
  }

  clone(): ScriptedConstraint {
    return new ScriptedConstraint(this.rules, this.tokens);
  }
}

const mix = (hash: number, value: number): number => Math.imul(hash ^ value, 0x9e3779b1) ^ (hash >>> 15);

/**
 * A decoder whose logits are a pure function of the row's tokens: searches can be checked by trying everything.
 * Counts its steps and tokens.
 */
export function hashState(vocabulary: number): DecoderState & { open: () => number } {
  const rows = new Set<{ tokens: number[] }>();
  const usage = { runs: 0, tokens: 0, sequences: 0 };
  const add = (tokens: readonly number[]): { tokens: number[] } => {
    const row = { tokens: [...tokens] };
    rows.add(row);
    return row;
  };
  const own = (row: { readonly tokens: readonly number[] }): { tokens: number[] } => {
    assert(rows.has(row as { tokens: number[] }), 'the row is in use');
    return row as { tokens: number[] };
  };
  return {
    usage,
    routerGateMean: 0,
    open: () => rows.size,
    row: () => add([]),
    fork: (row) => add(own(row).tokens),
    drop: (row) => void rows.delete(own(row)),
    truncate: (row, length) => void (own(row).tokens.length = length),
    step: async (feeds, signal) => {
      signal?.throwIfAborted();
      usage.runs++;
      usage.sequences += feeds.length;
      return feeds.map(({ row, tokens, logits = 1 }) => {
        own(row).tokens.push(...tokens);
        usage.tokens += tokens.length;
        const end = row.tokens.length;
        return Array.from({ length: logits }, (_, k) =>
          hashLogits(row.tokens.slice(0, end - logits + k + 1), vocabulary),
        );
      });
    },
    close: () => {
      rows.clear();
    },
  };
}

/** Logits between -4 and 4 for the token after `tokens`. */
export function hashLogits(tokens: readonly number[], vocabulary: number): Float32Array {
  const hash = tokens.reduce(mix, 17);
  return Float32Array.from({ length: vocabulary }, (_, id) => ((mix(mix(hash, id + 1), 7) >>> 0) / 2 ** 32) * 8 - 4);
}

/** The memory of a decoder that needs none. */
export const NO_MEMORY: Memory = { sourceLength: 0 };
