import type { SpecialIds, Tokenizer } from '../tokenizer.js';
import { afterLeadByte, type PartialCharacter } from './utf8.js';

/** The tokenizer as the constraints need it. */
export interface ConstraintVocabulary {
  readonly special: SpecialIds;
  readonly newline: number;
  readonly eos: number;
  /** Never at the beginning of a character of a typed line: specials, padding, control characters, stray bytes. */
  readonly bannedInLine: ReadonlySet<number>;
  /** The same for an analysis field, which has no newline. */
  readonly bannedInField: ReadonlySet<number>;
  /** What must follow a byte piece that begins a character; undefined for any other token. */
  afterLead(id: number): PartialCharacter | undefined;
  /** The byte pieces that may go on with a character. */
  furtherBytes(partial: PartialCharacter): readonly number[];
  encodeText(text: string): number[];
  encodeLine(line: string): number[];
  decode(ids: readonly number[]): string;
}

/** Control characters that would break a line or make the file binary. A tab is text. */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

const made = new WeakMap<Tokenizer, ConstraintVocabulary>();

/** The vocabulary of a tokenizer. Looks at every piece once: byte pieces can spell a newline or half a character, too. */
export function constraintVocabulary(tokenizer: Tokenizer): ConstraintVocabulary {
  const known = made.get(tokenizer);
  if (known) return known;
  const banned = new Set(tokenizer.nonText);
  const leads = new Map<number, PartialCharacter>();
  const idOfByte = new Map<number, number>();
  for (let id = 0; id < tokenizer.size; id++) {
    if (id === tokenizer.newline || banned.has(id)) continue;
    const bytes = tokenizer.pieceBytes(id);
    const isPart = bytes.length === 1 && bytes[0]! >= 0x80;
    const partial = isPart ? afterLeadByte(bytes[0]!) : undefined;
    if (isPart) idOfByte.set(bytes[0]!, id);
    if (partial) leads.set(id, partial);
    else if (isPart || CONTROL.test(tokenizer.pieceText(id))) banned.add(id);
  }
  const furtherBytes = new Map<number, number[]>();
  const vocabulary: ConstraintVocabulary = {
    special: tokenizer.special,
    newline: tokenizer.newline,
    eos: tokenizer.eos,
    bannedInLine: banned,
    bannedInField: new Set([...banned, tokenizer.newline]),
    afterLead: (id) => leads.get(id),
    furtherBytes({ low, high }) {
      const key = low * 256 + high;
      let ids = furtherBytes.get(key);
      if (!ids) {
        ids = [...idOfByte].filter(([byte]) => byte >= low && byte <= high).map(([, id]) => id);
        furtherBytes.set(key, ids);
      }
      return ids;
    },
    encodeText: (text) => tokenizer.encodeText(text),
    encodeLine: (line) => tokenizer.encodeLine(line),
    decode: (ids) => tokenizer.decode(ids),
  };
  made.set(tokenizer, vocabulary);
  return vocabulary;
}
