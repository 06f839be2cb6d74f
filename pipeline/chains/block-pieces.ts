import type { ConstraintVocabulary } from '../../model/constraints/vocabulary.js';
import type { Tokenizer } from '../../model/tokenizer.js';

/** The tokens of indentations, for blocks of one depth. */
export interface BlockPieces {
  /** Those of the block's own indentation. */
  readonly first: readonly number[];
  /** Single tokens that are this indentation or a deeper one of the same kind. */
  readonly deeper: readonly number[];
  /** What cannot follow an indentation: further white space, a newline, and what no line may hold. */
  readonly notAfterIndent: ReadonlySet<number>;
}

/** Looks at every piece once; `indent` are 1 to 16 spaces, for which every vocabulary has such tokens. */
export function blockPieces(tokenizer: Tokenizer, vocabulary: ConstraintVocabulary, indent: string): BlockPieces {
  const deeper: number[] = [];
  const notAfterIndent = new Set([...vocabulary.bannedInLine, vocabulary.newline]);
  for (let id = 0; id < tokenizer.size; id++) {
    if (vocabulary.bannedInLine.has(id) || id === vocabulary.newline) continue;
    const text = tokenizer.pieceText(id);
    if (/^\s/.test(text)) notAfterIndent.add(id);
    // A piece that the tokenizer never gives for its own text (single bytes) has been seen by no model.
    const isIndent = text.startsWith(indent) && new Set(text).size === 1 && /\s/.test(text);
    if (isIndent && tokenizer.encodeText(text).join() === String(id)) deeper.push(id);
  }
  return { first: tokenizer.encodeText(indent), deeper, notAfterIndent };
}
