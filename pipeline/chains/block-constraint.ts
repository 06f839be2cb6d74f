import type { Allowed, Constraint } from '../../model/constraint.js';
import { forcedRun, isPossible } from '../../model/constraints/forced-run.js';
import { afterFurtherByte, MAX_FURTHER_BYTES, type PartialCharacter } from '../../model/constraints/utf8.js';
import type { ConstraintVocabulary } from '../../model/constraints/vocabulary.js';
import type { BlockPieces } from './block-pieces.js';

/** What a block of code is held to. */
export interface BlockOptions {
  readonly pieces: BlockPieces;
  /** Tokens of the whole block at most, the end symbol included. */
  readonly maxTokens: number;
  /** Texts that it must not be again, as far as `maxTokens` leave a choice. */
  readonly refused: ReadonlySet<string>;
}

/** Tokens of one line at most. */
const MAX_LINE_TOKENS = 160;

/** A marker, the deepest indentation, a character of several bytes, the newline and the end. */
const SHORTEST_LINE_TOKENS = 5 + MAX_FURTHER_BYTES;

/**
 * Lines of one block, each after `<|add|>`: the first with exactly the block's indentation, the others with at least that or blank,
 * no two blank ones together. So a text can leave the function neither at its beginning nor later.
 */
export class BlockConstraint implements Constraint {
  done = false;
  private used = 0;
  private lines: readonly string[] = [];
  /** Tokens of the line at work; undefined at a line boundary. */
  private typed: readonly number[] | undefined;
  private partial: PartialCharacter | undefined;

  constructor(
    private readonly vocabulary: ConstraintVocabulary,
    private readonly options: BlockOptions,
  ) {}

  /** The finished lines, each with its newline; blank ones at the end are left out. */
  get text(): string {
    const last = this.lines.findLastIndex((line) => line !== '');
    return this.lines
      .slice(0, last + 1)
      .map((line) => `${line}\n`)
      .join('');
  }

  clone(): BlockConstraint {
    return Object.assign(Object.create(BlockConstraint.prototype) as BlockConstraint, this);
  }

  forced(): readonly number[] {
    return forcedRun(this);
  }

  allowed(): Allowed {
    const { vocabulary, typed, partial, options } = this;
    if (typed === undefined) return { only: this.markers() };
    if (partial) return { only: vocabulary.furtherBytes(partial) };
    const isFirst = this.lines.length === 0;
    if (isFirst && typed.length < options.pieces.first.length) return { only: [options.pieces.first[typed.length]!] };
    if (typed.length === 0) {
      const mayBeBlank = this.lines.at(-1) !== '' && this.hasRoom(2 * SHORTEST_LINE_TOKENS);
      return { only: mayBeBlank ? [...options.pieces.deeper, vocabulary.newline] : options.pieces.deeper };
    }
    if (typed.length === (isFirst ? options.pieces.first.length : 1)) return { except: options.pieces.notAfterIndent };
    const hasRoom = typed.length < MAX_LINE_TOKENS && this.hasRoom(3 + MAX_FURTHER_BYTES);
    return hasRoom ? { except: vocabulary.bannedInLine } : { only: [vocabulary.newline] };
  }

  advance(token: number): void {
    if (!isPossible(this.allowed(), token)) throw new RangeError(`Token ${token} is not possible here.`);
    this.used++;
    if (this.typed === undefined) {
      if (token === this.vocabulary.special.add) this.typed = [];
      else this.done = true;
      return;
    }
    if (token === this.vocabulary.newline) {
      this.lines = [...this.lines, this.vocabulary.decode(this.typed).trimEnd()];
      this.typed = undefined;
      return;
    }
    this.partial = this.partial ? afterFurtherByte(this.partial) : this.vocabulary.afterLead(token);
    this.typed = [...this.typed, token];
  }

  private hasRoom(tokens: number): boolean {
    return this.options.maxTokens - this.used >= tokens;
  }

  /** Another line or the end; the end only after a text that is not refused, unless there is no room for anything else. */
  private markers(): readonly number[] {
    const { special, eos } = this.vocabulary;
    if (this.lines.length === 0) return [special.add];
    if (!this.hasRoom(1 + SHORTEST_LINE_TOKENS)) return [eos];
    return this.lines.at(-1) === '' || this.options.refused.has(this.text) ? [special.add] : [special.add, eos];
  }
}
