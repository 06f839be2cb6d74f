import { differentRanges } from './sequence-matcher.js';

const TOKEN = /[\p{L}\p{N}_]+|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\*\*=?|\/\/=?|[-+*/%&|^@=!<>]=|->|[^\p{L}\p{N}_\s]/gu;

/** A place where a line differs from what it becomes. */
export interface LineChange {
  readonly removed: readonly string[];
  readonly added: readonly string[];
  /** The same in the lines' own words, with the spaces between. */
  readonly removedText: string;
  readonly addedText: string;
  /** The line's tokens in front of the change, and the one after it. */
  readonly before: readonly string[];
  readonly next: string | undefined;
}

/** Where two lines differ, token by token. */
export function changesOfLine(old: string, fresh: string): LineChange[] {
  const [a, b] = [tokensOf(old), tokensOf(fresh)];
  const [aTexts, bTexts] = [a.map(({ text }) => text), b.map(({ text }) => text)];
  return differentRanges(aTexts, bTexts).map(({ aStart, aEnd, bStart, bEnd }) => ({
    removed: aTexts.slice(aStart, aEnd),
    added: bTexts.slice(bStart, bEnd),
    removedText: aEnd > aStart ? old.slice(a[aStart]!.start, a[aEnd - 1]!.end) : '',
    addedText: bEnd > bStart ? fresh.slice(b[bStart]!.start, b[bEnd - 1]!.end) : '',
    before: aTexts.slice(0, aStart),
    next: aTexts[aEnd],
  }));
}

function tokensOf(line: string): { readonly text: string; readonly start: number; readonly end: number }[] {
  return Array.from(line.matchAll(TOKEN), ({ 0: text, index }) => ({ text, start: index, end: index + text.length }));
}
