import type { Allowed, Constraint } from '../../model/constraint.js';
import { forcedRun, isPossible } from '../../model/constraints/forced-run.js';
import { afterFurtherByte, MAX_FURTHER_BYTES, type PartialCharacter } from '../../model/constraints/utf8.js';
import type { ConstraintVocabulary } from '../../model/constraints/vocabulary.js';

/** A text of one line that ends where the next symbol begins; it has one character at least. */
export class FieldConstraint implements Constraint {
  done = false;
  /** The tokens of the text, without the symbol that ends it. */
  typed: readonly number[] = [];
  private partial: PartialCharacter | undefined;

  /** `refused` are texts that it must not be again, as far as `maxTokens` leave a choice. */
  constructor(
    private readonly vocabulary: ConstraintVocabulary,
    private readonly end: number,
    private readonly options: { readonly maxTokens: number; readonly refused: ReadonlySet<string> },
  ) {}

  get text(): string {
    return this.vocabulary.decode(this.typed);
  }

  clone(): FieldConstraint {
    return Object.assign(Object.create(FieldConstraint.prototype) as FieldConstraint, this);
  }

  forced(): readonly number[] {
    return forcedRun(this);
  }

  allowed(): Allowed {
    const { vocabulary, end, typed, partial, options } = this;
    if (partial) return { only: vocabulary.furtherBytes(partial) };
    if (typed.length + 1 + MAX_FURTHER_BYTES >= options.maxTokens) return { only: [end] };
    const isText = typed.length > 0 && !options.refused.has(this.text);
    const banned = new Set(vocabulary.bannedInField);
    if (isText) banned.delete(end);
    return { except: banned };
  }

  advance(token: number): void {
    if (!isPossible(this.allowed(), token)) throw new RangeError(`Token ${token} is not possible here.`);
    if (token === this.end && !this.partial) {
      this.done = true;
      return;
    }
    this.partial = this.partial ? afterFurtherByte(this.partial) : this.vocabulary.afterLead(token);
    this.typed = [...this.typed, token];
  }
}
