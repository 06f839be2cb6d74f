import type { Tokenizer } from '../tokenizer.js';

/** The tokenizer's symbols as the constraints need them. Made once per model by {@link constraintVocabulary}. */
export interface ConstraintVocabulary {
  readonly special: {
    readonly analyse: number;
    readonly problem: number;
    readonly type: number;
    readonly loc: number;
    readonly line: number;
    readonly hint: number;
    readonly patch: number;
    readonly ctx: number;
    readonly top: number;
    readonly del: number;
    readonly add: number;
  };
  readonly newline: number;
  readonly eos: number;
  /** Never part of free text that may end with a newline: specials, padding, control bytes. */
  readonly bannedInLine: ReadonlySet<number>;
  /** As before, and the newline: text that ends with a special. */
  readonly bannedInField: ReadonlySet<number>;
  readonly decode: (ids: readonly number[]) => string;
  readonly encodeText: (text: string) => number[];
  readonly encodeLine: (line: string) => number[];
}

/** Control characters that would break a line or make the file binary. Tab is text. */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

const FIRST_TEXT_ID = 4;

const made = new WeakMap<Tokenizer, ConstraintVocabulary>();

/**
 * Collects the symbols of a tokenizer. Decodes every piece once (some ms), as byte pieces can spell
 * a newline that is not the newline symbol; later calls return the same object.
 */
export function constraintVocabulary(tokenizer: Tokenizer, vocabularySize: number): ConstraintVocabulary {
  const known = made.get(tokenizer);
  if (known) return known;
  const { special, newline, eos } = tokenizer;
  const banned = new Set<number>([...Object.values(special), eos]);
  for (let id = 0; id < FIRST_TEXT_ID; id++) banned.add(id);
  for (let id = FIRST_TEXT_ID; id < vocabularySize; id++) {
    if (id !== newline && !banned.has(id) && CONTROL.test(tokenizer.decode([id]))) banned.add(id);
  }
  const vocabulary: ConstraintVocabulary = {
    special,
    newline,
    eos,
    bannedInLine: banned,
    bannedInField: new Set([...banned, newline]),
    decode: (ids) => tokenizer.decode(ids),
    encodeText: (text) => tokenizer.encodeText(text),
    encodeLine: (line) => tokenizer.encodeLine(line),
  };
  made.set(tokenizer, vocabulary);
  return vocabulary;
}
