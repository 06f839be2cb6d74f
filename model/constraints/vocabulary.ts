import type { SpecialIds, Tokenizer } from '../tokenizer.js';

/** The tokenizer as the constraints need it. */
export interface ConstraintVocabulary {
  readonly special: SpecialIds;
  readonly newline: number;
  readonly eos: number;
  /** Never part of a typed line, which ends with the newline symbol: specials, padding, control characters. */
  readonly bannedInLine: ReadonlySet<number>;
  /** Never part of an analysis field, which ends with a special symbol: as before, and the newline. */
  readonly bannedInField: ReadonlySet<number>;
  encodeText(text: string): number[];
  encodeLine(line: string): number[];
  decode(ids: readonly number[]): string;
}

/** Control characters that would break a line or make the file binary. A tab is text. */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

const made = new WeakMap<Tokenizer, ConstraintVocabulary>();

/** The vocabulary of a tokenizer. The banned ids are looked for once: byte pieces can spell a newline, too. */
export function constraintVocabulary(tokenizer: Tokenizer): ConstraintVocabulary {
  const known = made.get(tokenizer);
  if (known) return known;
  const banned = new Set(tokenizer.nonText);
  for (let id = 0; id < tokenizer.size; id++) {
    if (id !== tokenizer.newline && CONTROL.test(tokenizer.pieceText(id))) banned.add(id);
  }
  const vocabulary: ConstraintVocabulary = {
    special: tokenizer.special,
    newline: tokenizer.newline,
    eos: tokenizer.eos,
    bannedInLine: banned,
    bannedInField: new Set([...banned, tokenizer.newline]),
    encodeText: (text) => tokenizer.encodeText(text),
    encodeLine: (line) => tokenizer.encodeLine(line),
    decode: (ids) => tokenizer.decode(ids),
  };
  made.set(tokenizer, vocabulary);
  return vocabulary;
}
