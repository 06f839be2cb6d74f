import type { Allowed, Constraint } from '../constraint.js';
import { draftLine, draftQuote } from './draft-line.js';
import { forcedRun, isPossible } from './forced-run.js';
import { type Hunk, isNoOp, isNoOpTogether } from './hunk.js';
import { afterFurtherByte, MAX_FURTHER_BYTES, type PartialCharacter } from './utf8.js';
import type { ConstraintVocabulary } from './vocabulary.js';
import type { WindowLines } from './window-lines.js';

export interface PatchConstraintOptions {
  /** Tokens of the whole patch at most, the end symbol included; raised to {@link MIN_PATCH_TOKENS}. */
  readonly maxTokens: number;
  /** Tokens of one added line at most, its newline not counted. Default 160. */
  readonly maxAddTokens?: number;
  /** Text that added lines may well quote (the hint); a guess for drafts, it binds nothing. */
  readonly hint?: readonly number[];
}

/** With fewer tokens not even an empty line could be added. */
export const MIN_PATCH_TOKENS = 8;

/**
 * Tokens that always suffice to end from a place where `add` is possible: a hunk equals the deleted lines for one
 * number of blank lines at most, and the whole patch the window for one at most, so two blank lines and the end do it.
 */
const CLOSING_TOKENS = 5;

type Kind = 'none' | 'top' | 'ctx' | 'del' | 'add';

interface QuotedLine {
  readonly kind: 'ctx' | 'del';
  /** Tokens of the line so far. */
  readonly offset: number;
  readonly offered: readonly number[];
}

interface AddedLine {
  readonly kind: 'add';
  readonly typed: readonly number[];
  /** What must come before anything else, while a character is not whole. */
  readonly partial: PartialCharacter | undefined;
}

/**
 * The grammar of a patch over one window: `(top)? (ctx line)* (del line)* (add line)*`, again and again, then the end.
 *
 * At a line boundary a marker comes: `ctx` and `del` lead into a quoted line, `add` into free text. A hunk's quoted
 * lines are successive lines of the window at or after `cursor`; `starts` holds the places where all of them fit.
 * Adding, ending and going on with the next hunk need exactly one such place. Only starts that can still become the
 * only one, within the tokens left, are `offered`; so every walk ends in a patch that changes something.
 */
export class PatchConstraint implements Constraint {
  done = false;
  private used = 0;
  private hunks: readonly Hunk[] = [];
  private cursor = 0;
  // The hunk being written.
  private kind: Kind = 'none';
  private atTop = false;
  private starts: readonly number[];
  private context = 0;
  private deleted = 0;
  private added: readonly string[] = [];
  // The line being written; undefined at a line boundary.
  private line: QuotedLine | AddedLine | undefined;

  private readonly maxTokens: number;
  private readonly maxAddTokens: number;
  private readonly hint: readonly number[];

  constructor(
    private readonly window: WindowLines,
    private readonly vocabulary: ConstraintVocabulary,
    options: PatchConstraintOptions,
  ) {
    this.maxTokens = Math.max(options.maxTokens, MIN_PATCH_TOKENS);
    this.maxAddTokens = options.maxAddTokens ?? 160;
    this.hint = options.hint ?? [];
    this.starts = this.startsFrom(0);
  }

  /** The hunks written so far that are closed; all of them once {@link done}. */
  get closedHunks(): readonly Hunk[] {
    return this.hunks;
  }

  clone(): PatchConstraint {
    // A copy of the references is enough: what they refer to is replaced, never changed.
    return Object.assign(Object.create(PatchConstraint.prototype) as PatchConstraint, this);
  }

  forced(): number[] {
    return forcedRun(this);
  }

  /**
   * A deleted line is mostly typed again with a change: its rest, at a boundary the marker before it, too.
   * Other lines often quote the hint or the window.
   */
  draft(): readonly number[] {
    const { window, line } = this;
    const retyped =
      this.added.length < this.deleted && this.isUnique
        ? window.tokens[this.starts[0]! + this.context + this.added.length]!
        : undefined;
    if (line === undefined) return retyped ? draftLine([], [this.vocabulary.special.add, ...retyped]) : [];
    if (line.kind !== 'add') return [];
    const rest = retyped ? draftLine(line.typed, retyped) : [];
    return rest.length > 0 ? rest : draftQuote(line.typed, [this.hint, window.allTokens], this.vocabulary.newline);
  }

  allowed(): Allowed {
    if (this.line === undefined) return { only: this.markers() };
    if (this.line.kind === 'add') {
      if (this.line.partial) return { only: this.vocabulary.furtherBytes(this.line.partial) };
      const room = this.line.typed.length < this.maxAddTokens && this.left >= CLOSING_TOKENS + 2 + MAX_FURTHER_BYTES;
      return room ? { except: this.vocabulary.bannedInLine } : { only: [this.vocabulary.newline] };
    }
    const { offset, offered } = this.line;
    const next = new Set<number>();
    for (const start of offered) next.add(this.window.tokens[start + this.quoted]![offset]!);
    return { only: [...next] };
  }

  advance(token: number): void {
    if (this.done) throw new RangeError('The patch is complete.');
    if (this.line === undefined) this.advanceMarker(token);
    else if (this.line.kind === 'add') this.advanceAdded(this.line, token);
    else this.advanceQuoted(this.line, token);
    this.used++;
  }

  private get left(): number {
    return this.maxTokens - this.used;
  }

  private get quoted(): number {
    return this.context + this.deleted;
  }

  private get isUnique(): boolean {
    return this.atTop || (this.quoted > 0 && this.starts.length === 1);
  }

  private get currentHunk(): Hunk {
    return { start: this.starts[0]!, context: this.context, deleted: this.deleted, added: this.added };
  }

  /** Whether the current hunk may be closed. */
  private get isEffective(): boolean {
    return (this.deleted > 0 || this.added.length > 0) && this.isUnique && !isNoOp(this.currentHunk, this.window);
  }

  private startsFrom(cursor: number): number[] {
    return Array.from({ length: this.window.length - cursor }, (_, index) => cursor + index);
  }

  /** The starts whose line `quoted` may be quoted next, so that the patch can still be ended with the tokens left. */
  private offeredStarts(starts: readonly number[], quoted: number, cursor: number, atTop: boolean): number[] {
    return starts.filter((start) => {
      if (start + quoted >= this.window.length) return false;
      const needed = atTop ? 0 : this.window.linesUntilUnique(start, cursor);
      if (needed === undefined) return false;
      const end = Math.max(start + quoted + 1, start + needed);
      return this.window.quoteCost(start + quoted, end) + CLOSING_TOKENS <= this.left;
    });
  }

  private offeredNow(): number[] {
    return this.offeredStarts(this.starts, this.quoted, this.cursor, this.atTop);
  }

  private canOpenNext(): boolean {
    const cursor = this.starts[0]! + this.quoted;
    return this.offeredStarts(this.startsFrom(cursor), 0, cursor, false).length > 0;
  }

  /** What may come at a line boundary; never empty. */
  private markers(): number[] {
    const { ctx, del, add, top } = this.vocabulary.special;
    const result: number[] = [];
    if (this.kind !== 'add' && this.offeredNow().length > 0) result.push(...(this.kind === 'del' ? [del] : [ctx, del]));
    if (this.kind === 'none') return [top, ...result];
    if (!this.isUnique) return result;
    const effective = this.isEffective;
    const canEnd = effective && !isNoOpTogether([...this.hunks, this.currentHunk], this.window);
    if (!canEnd || this.left >= CLOSING_TOKENS + 2) result.push(add);
    if (effective && this.canOpenNext()) result.push(...(this.kind === 'add' ? [ctx, del] : [ctx]));
    if (canEnd) result.push(this.vocabulary.eos);
    return result;
  }

  private advanceMarker(token: number): void {
    if (!this.markers().includes(token)) throw new RangeError(`Token ${token} is not possible at this line boundary.`);
    const { ctx, del, add, top } = this.vocabulary.special;
    if (token === top) {
      this.kind = 'top';
      this.atTop = true;
      this.starts = [0];
    } else if (token === add) {
      this.kind = 'add';
      this.line = { kind: 'add', typed: [], partial: undefined };
    } else if (token === this.vocabulary.eos) {
      this.closeHunk();
      this.done = true;
    } else {
      const quote = token === ctx ? 'ctx' : 'del';
      const opensHunk = this.kind === 'add' || (this.kind === 'del' && token !== del);
      if (opensHunk) this.closeHunk();
      this.kind = quote;
      this.line = { kind: quote, offset: 0, offered: this.offeredNow() };
    }
  }

  private closeHunk(): void {
    const hunk = this.currentHunk;
    this.hunks = [...this.hunks, hunk];
    this.cursor = hunk.start + hunk.context + hunk.deleted;
    this.kind = 'none';
    this.atTop = false;
    this.starts = this.startsFrom(this.cursor);
    this.context = 0;
    this.deleted = 0;
    this.added = [];
  }

  private advanceAdded({ typed, partial }: AddedLine, token: number): void {
    if (!isPossible(this.allowed(), token)) throw new RangeError(`Token ${token} is not possible in an added line.`);
    if (token === this.vocabulary.newline) {
      this.added = [...this.added, this.vocabulary.decode(typed)];
      this.line = undefined;
      return;
    }
    const next = partial ? afterFurtherByte(partial) : this.vocabulary.afterLead(token);
    this.line = { kind: 'add', typed: [...typed, token], partial: next };
  }

  private advanceQuoted(line: QuotedLine, token: number): void {
    const fits = (start: number): boolean => this.window.tokens[start + this.quoted]?.[line.offset] === token;
    const offered = line.offered.filter(fits);
    if (offered.length === 0) throw new RangeError(`Token ${token} does not go on with a line of the window.`);
    this.starts = this.starts.filter(fits);
    if (token !== this.vocabulary.newline) {
      this.line = { kind: line.kind, offset: line.offset + 1, offered };
      return;
    }
    if (line.kind === 'ctx') this.context++;
    else this.deleted++;
    this.line = undefined;
  }
}
