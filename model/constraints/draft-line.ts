/** Longest suffix of the typed text that is looked for. */
const LONGEST_SUFFIX = 6;

/** A guess is cut here: verifying more tokens at once costs more than it saves when it is wrong. */
const LONGEST_DRAFT = 16;

/**
 * How a line that is being typed again will go on, [] if there is no idea. While the typed tokens are a prefix of the
 * original, its rest. After a divergence the place in the original is found by the longest common suffix that ends at
 * or after the divergence, the one nearest to the typed length; without one, a substitution of one token is assumed.
 */
export function draftLine(typed: readonly number[], original: readonly number[]): readonly number[] {
  let prefix = 0;
  while (prefix < typed.length && prefix < original.length && typed[prefix] === original[prefix]) prefix++;
  const from = prefix === typed.length ? prefix : resumeAt(typed, original, prefix);
  return from === undefined ? [] : original.slice(from, from + LONGEST_DRAFT);
}

function resumeAt(typed: readonly number[], original: readonly number[], prefix: number): number | undefined {
  let best: { end: number; length: number } | undefined;
  for (let end = prefix + 1; end < original.length; end++) {
    let length = 0;
    while (
      length < Math.min(LONGEST_SUFFIX, typed.length - prefix, end) &&
      typed[typed.length - 1 - length] === original[end - 1 - length]
    ) {
      length++;
    }
    if (length === 0) continue;
    const nearer = best && Math.abs(end - typed.length) < Math.abs(best.end - typed.length);
    if (!best || length > best.length || (length === best.length && nearer)) best = { end, length };
  }
  if (best) return best.end;
  return typed.length === prefix + 1 && prefix + 1 < original.length ? prefix + 1 : undefined;
}
