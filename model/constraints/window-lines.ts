import type { ConstraintVocabulary } from './vocabulary.js';

/**
 * The lines of one window as the constraints see them: tokens, text, and where runs of lines repeat.
 * Built once per window and shared by all automata over it.
 */
export class WindowLines {
  /** Tokens of each line, the newline symbol last. */
  readonly tokens: readonly (readonly number[])[];
  /** The tokens of all lines, one after the other. */
  readonly allTokens: readonly number[];
  /** Each line's text as it reads after encoding and decoding; what typed text is compared with. */
  readonly texts: readonly string[];
  /** `common[i][j]`: number of successive equal lines from i and from j. */
  private readonly common: readonly Uint16Array[];
  /** `cost[i]`: tokens, markers included, of quoting the lines before i. */
  private readonly cost: Uint32Array;

  constructor(views: readonly string[], vocabulary: ConstraintVocabulary) {
    this.tokens = views.map((view) => vocabulary.encodeLine(view));
    this.allTokens = this.tokens.flat();
    this.texts = this.tokens.map((line) => vocabulary.decode(line.slice(0, -1)));
    const keys = this.tokens.map((line) => line.join());
    const count = views.length;
    const common = Array.from({ length: count + 1 }, () => new Uint16Array(count + 1));
    for (let i = count - 1; i >= 0; i--) {
      for (let j = count - 1; j >= 0; j--) {
        if (keys[i] === keys[j]) common[i]![j] = common[i + 1]![j + 1]! + 1;
      }
    }
    this.common = common;
    this.cost = new Uint32Array(count + 1);
    for (let i = 0; i < count; i++) this.cost[i + 1] = this.cost[i]! + this.tokens[i]!.length + 1;
  }

  get length(): number {
    return this.tokens.length;
  }

  /** Tokens of quoting the lines `from`…`to - 1`, one marker for each included. */
  quoteCost(from: number, to: number): number {
    return this.cost[to]! - this.cost[from]!;
  }

  /**
   * How many lines must be quoted from `start` until no other start at or after `cursor` reads the same;
   * undefined if the window ends before that.
   */
  linesUntilUnique(start: number, cursor: number): number | undefined {
    const row = this.common[start]!;
    let longest = 0;
    for (let other = cursor; other < this.length; other++) {
      if (other !== start && row[other]! > longest) longest = row[other]!;
    }
    return start + longest < this.length ? longest + 1 : undefined;
  }
}
