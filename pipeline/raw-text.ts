import type { Allowed, Constraint } from '../model/constraint.js';
import type { Tokenizer } from '../model/tokenizer.js';

/** When text without a protocol ends. */
export interface TextEnds {
  /** Tokens that end it; they are not part of the text. */
  readonly tokens: ReadonlySet<number>;
  /** Strings that end it; the text stops before the first of them. */
  readonly strings: readonly string[];
}

/** Any text, special symbols included: only padding and the like are refused. Knows how much of it can be shown already. */
export class RawText implements Constraint {
  readonly #tokenizer: Tokenizer;
  readonly #ends: TextEnds;
  readonly #allowed: Allowed;
  readonly #tokens: number[];
  #done = false;
  #text = '';

  constructor(tokenizer: Tokenizer, ends: TextEnds, tokens: readonly number[] = []) {
    this.#tokenizer = tokenizer;
    this.#ends = ends;
    const symbols = new Set<number>(Object.values(tokenizer.special));
    this.#allowed = {
      except: new Set([...tokenizer.nonText].filter((id) => !symbols.has(id) && !ends.tokens.has(id))),
    };
    this.#tokens = [];
    for (const token of tokens) this.advance(token);
  }

  get done(): boolean {
    return this.#done;
  }

  /** The text so far, without what ends it. */
  get text(): string {
    return this.#text;
  }

  /** The beginning of the text that later tokens cannot change: whole characters, none that may belong to a string that ends it. */
  get settled(): string {
    if (this.#done) return this.#text;
    const whole = this.#text.replace(/\ufffd{1,3}$/, '');
    return whole.slice(0, whole.length - Math.max(0, ...this.#ends.strings.map((end) => overlap(whole, end))));
  }

  forced(): readonly number[] {
    return [];
  }

  allowed(): Allowed {
    return this.#allowed;
  }

  advance(token: number): void {
    this.#tokens.push(token);
    if (this.#ends.tokens.has(token)) {
      this.#done = true;
      return;
    }
    const text = this.#tokenizer.decode(this.#tokens);
    const found = this.#ends.strings.map((end) => text.indexOf(end)).filter((at) => at >= 0);
    this.#done = found.length > 0;
    this.#text = this.#done ? text.slice(0, Math.min(...found)) : text;
  }

  clone(): RawText {
    return new RawText(this.#tokenizer, this.#ends, this.#tokens);
  }
}

/** Length of the longest end of the text with which a string begins. */
function overlap(text: string, string: string): number {
  let length = Math.min(text.length, string.length - 1);
  while (length > 0 && !text.endsWith(string.slice(0, length))) length--;
  return Math.max(0, length);
}
