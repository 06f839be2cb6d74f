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

/** Lengths of the typed text's end that is looked for in other text. */
const LONGEST_QUOTE = 4;
const SHORTEST_QUOTE = 2;

/**
 * How a line will go on if it quotes other text: what follows the last place where the typed tokens' end occurs,
 * up to the end of the line there. Longer ends and earlier texts of the list go first.
 */
export function draftQuote(
  typed: readonly number[],
  texts: readonly (readonly number[])[],
  newline: number,
): readonly number[] {
  for (let length = Math.min(LONGEST_QUOTE, typed.length); length >= SHORTEST_QUOTE; length--) {
    for (const text of texts) {
      const after = afterLastOccurrence(typed, length, text);
      if (after === undefined) continue;
      const end = text.indexOf(newline, after);
      return text.slice(after, Math.min(after + LONGEST_DRAFT, end < 0 ? text.length : end + 1));
    }
  }
  return [];
}

function afterLastOccurrence(typed: readonly number[], length: number, text: readonly number[]): number | undefined {
  for (let after = text.length - 1; after >= length; after--) {
    let same = 0;
    while (same < length && text[after - 1 - same] === typed[typed.length - 1 - same]) same++;
    if (same === length) return after;
  }
  return undefined;
}
