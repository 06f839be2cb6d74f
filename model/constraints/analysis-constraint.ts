import type { Allowed, Constraint } from '../constraint.js';
import { draftLine, draftQuote } from './draft-line.js';
import { forcedRun, isPossible } from './forced-run.js';
import { TokenTrie, type TrieNode } from './token-trie.js';
import { afterFurtherByte, type PartialCharacter } from './utf8.js';
import type { ConstraintVocabulary } from './vocabulary.js';

/** The fields of an analysis, in the order in which they are written. */
export const ANALYSIS_FIELDS = ['problem', 'type', 'loc', 'line', 'hint'] as const;

export type AnalysisField = (typeof ANALYSIS_FIELDS)[number];

/** What an analysis of one window can name. Built once per window, shared by all automata over it. */
export interface AnalysisChoices {
  readonly type: TokenTrie;
  readonly loc: TokenTrie;
  readonly line: TokenTrie;
}

/** Longer names and lines cannot be told within the analysis's length. */
const MAX_NAME_TOKENS = 64;

/**
 * The choices of a window: fault types, locations (`basename::scope`) and lines, as text. Values that are too long
 * are left out, unless nothing else remains. The empty line is always possible (an insertion before everything).
 */
export function analysisChoices(
  values: {
    readonly types: readonly string[];
    readonly locations: readonly string[];
    readonly lines: readonly string[];
  },
  vocabulary: ConstraintVocabulary,
): AnalysisChoices {
  const trie = (texts: readonly string[]): TokenTrie => {
    const sequences = [...new Set(texts)].map((text) => vocabulary.encodeText(text));
    const short = sequences.filter((tokens) => tokens.length <= MAX_NAME_TOKENS);
    const shortest = sequences.reduce<number[]>((a, b) => (a.length > 0 && a.length <= b.length ? a : b), []);
    return new TokenTrie(short.length > 0 ? short : [shortest.slice(0, MAX_NAME_TOKENS)]);
  };
  return { type: trie(values.types), loc: trie(values.locations), line: trie([...values.lines, '']) };
}

export interface AnalysisConstraintOptions {
  /** Default 48. */
  readonly maxProblemTokens?: number;
  /** Default 60. */
  readonly maxHintTokens?: number;
  /** The automaton is done once this field is closed; `hint` (default) is the whole analysis. See {@link goOn}. */
  readonly until?: AnalysisField;
  /** How the problem probably reads (the title); a guess to be verified, it binds nothing. */
  readonly expectedProblem?: readonly number[];
  /** Text that the hint may well quote (issue and code); a guess, too. */
  readonly quotable?: readonly number[];
}

/**
 * The grammar of an analysis after `<|analyse|>`: each field's symbol, its value, and at the end `<|patch|>`.
 * `problem` and `hint` are free text of one line, the others come from closed sets; a value that has one
 * continuation is forced. A field is closed by the symbol of the next one.
 */
export class AnalysisConstraint implements Constraint {
  /** Index in ANALYSIS_FIELDS of the field being written; -1 before the first symbol. */
  private field = -1;
  private length = 0;
  private node: TrieNode | undefined;
  private partial: PartialCharacter | undefined;
  /** The free text of the current field so far. */
  private typed: readonly number[] = [];
  private readonly expectedProblem: readonly number[];
  private readonly quotable: readonly number[];
  private lastField: number;
  private readonly limits: Readonly<Record<'problem' | 'hint', number>>;
  /** In free text the closing symbol is the one special that may come. */
  private readonly exceptions: Readonly<Record<'problem' | 'hint', ReadonlySet<number>>>;

  constructor(
    private readonly choices: AnalysisChoices,
    private readonly vocabulary: ConstraintVocabulary,
    options: AnalysisConstraintOptions = {},
  ) {
    this.limits = { problem: options.maxProblemTokens ?? 48, hint: options.maxHintTokens ?? 60 };
    const { type, patch } = vocabulary.special;
    const allBut = (symbol: number) => new Set([...vocabulary.bannedInField].filter((id) => id !== symbol));
    this.exceptions = { problem: allBut(type), hint: allBut(patch) };
    this.lastField = ANALYSIS_FIELDS.indexOf(options.until ?? 'hint');
    this.quotable = options.quotable ?? [];
    this.expectedProblem = options.expectedProblem ? [...options.expectedProblem, type] : [];
  }

  get done(): boolean {
    return this.field > this.lastField;
  }

  /** A copy that goes on until a later field is closed. */
  goOn(until: AnalysisField): AnalysisConstraint {
    const copy = this.clone();
    copy.lastField = ANALYSIS_FIELDS.indexOf(until);
    return copy;
  }

  clone(): AnalysisConstraint {
    return Object.assign(Object.create(AnalysisConstraint.prototype) as AnalysisConstraint, this);
  }

  forced(): number[] {
    return forcedRun(this);
  }

  draft(): readonly number[] {
    const field = ANALYSIS_FIELDS[this.field];
    if (field === 'problem') return draftLine(this.typed, this.expectedProblem);
    return field === 'hint' ? draftQuote(this.typed, [this.quotable], this.vocabulary.newline) : [];
  }

  allowed(): Allowed {
    if (this.node) {
      const next = [...this.node.next.keys()];
      return { only: this.node.terminal ? [...next, this.closing] : next };
    }
    const field = ANALYSIS_FIELDS[this.field];
    if (field !== 'problem' && field !== 'hint') return { only: [this.closing] };
    if (this.partial) return { only: this.vocabulary.furtherBytes(this.partial) };
    if (this.length >= this.limits[field]) return { only: [this.closing] };
    const mustBegin = field === 'problem' && this.length === 0;
    return { except: mustBegin ? this.vocabulary.bannedInField : this.exceptions[field] };
  }

  advance(token: number): void {
    if (this.done) throw new RangeError('The analysis is complete.');
    if (!isPossible(this.allowed(), token))
      throw new RangeError(`Token ${token} is not possible in this field of the analysis.`);
    if (token === this.closing) {
      this.field++;
      this.length = 0;
      this.typed = [];
      this.node = this.rootOf(ANALYSIS_FIELDS[this.field]);
      return;
    }
    this.length++;
    if (!this.node) {
      this.partial = this.partial ? afterFurtherByte(this.partial) : this.vocabulary.afterLead(token);
      this.typed = [...this.typed, token];
    }
    this.node = this.node?.next.get(token);
  }

  private rootOf(field: AnalysisField | undefined): TrieNode | undefined {
    return field === 'type' || field === 'loc' || field === 'line' ? this.choices[field].root : undefined;
  }

  /** The symbol that closes the current field: the next field's, or `<|patch|>`. */
  private get closing(): number {
    const next = ANALYSIS_FIELDS[this.field + 1];
    return next === undefined ? this.vocabulary.special.patch : this.vocabulary.special[next];
  }
}
