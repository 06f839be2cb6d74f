import type { DecoderState } from '../model/decoder-state.js';
import { AnalysisConstraint, type AnalysisChoices } from '../model/constraints/analysis-constraint.js';
import type { ConstraintVocabulary } from '../model/constraints/vocabulary.js';
import { beam, generate, type Finished, type TokenEvent } from '../model/generate.js';
import { parseAnalysis } from './analysis.js';
import type { Analysis } from './types.js';

/** One reading of the issue: what the code agent is given, and how sure the analysis agent is. */
export interface Hypothesis {
  readonly analysis: Analysis;
  /** From `<|problem|>` to `<|patch|>`. */
  readonly tokens: readonly number[];
  readonly logprob: number;
  readonly choices: number;
}

/** What {@link proposeHypotheses} needs. */
export interface HypothesisOptions {
  readonly choices: AnalysisChoices;
  readonly vocabulary: ConstraintVocabulary;
  /** Hypotheses wanted, at least 1. Fewer come back if the window has fewer distinct places. */
  readonly count: number;
  readonly beamWidth: number;
  readonly maxProblemTokens: number;
  readonly maxHintTokens: number;
  /** The title: what the problem will probably say. */
  readonly title: string;
  /** The encoder's text: what the hint may quote. */
  readonly source: readonly number[];
  readonly signal?: AbortSignal;
  readonly onToken?: (event: TokenEvent) => void;
}

/** Tokens of a free field beyond its limit: its symbols, and the rest of a character begun at the limit. */
const SYMBOLS = 8;

/** Longer than any type, location and line together. */
const MAX_PLACE_TOKENS = 256;

/**
 * Several distinct analyses, best first. The problem is written once; a beam over type, location and line finds the
 * places that are likely, different lines first; then all hints are written in one batch. Rows are given up at the end.
 */
export async function proposeHypotheses(state: DecoderState, options: HypothesisOptions): Promise<Hypothesis[]> {
  const { vocabulary, count, signal } = options;
  const constraint = new AnalysisConstraint(options.choices, vocabulary, {
    maxProblemTokens: options.maxProblemTokens,
    maxHintTokens: options.maxHintTokens,
    expectedProblem: vocabulary.encodeText(options.title).slice(0, options.maxProblemTokens),
    quotable: options.source,
    until: 'problem',
  });
  const common = { ...(signal && { signal }), ...(options.onToken && { onToken: options.onToken }) };
  const start = { row: state.row(), constraint, prompt: [vocabulary.special.analyse] };
  const [problem] = await generate(state, [start], { ...common, maxNewTokens: options.maxProblemTokens + SYMBOLS });
  const places = await beam(
    state,
    { row: problem!.row, constraint: constraintOf(problem!).goOn('line'), prompt: problem!.pending },
    { width: Math.max(options.beamWidth, count), maxNewTokens: MAX_PLACE_TOKENS, ...(signal && { signal }) },
  );
  const chosen = differentPlaces(places, count, vocabulary);
  for (const place of places) if (!chosen.includes(place)) state.drop(place.row);
  for (const token of chosen[0]?.tokens ?? []) options.onToken?.({ index: 0, token, forced: false });
  const hints = await generate(
    state,
    chosen.map((place) => ({ row: place.row, constraint: constraintOf(place).goOn('hint'), prompt: place.pending })),
    { ...common, maxNewTokens: options.maxHintTokens + SYMBOLS },
  );
  for (const hint of hints) state.drop(hint.row);
  return hints.map((hint, index) => joined([problem!, chosen[index]!, hint], vocabulary));
}

function constraintOf(finished: Finished): AnalysisConstraint {
  if (!(finished.constraint instanceof AnalysisConstraint)) throw new TypeError('This is a bug: not an analysis.');
  return finished.constraint;
}

/** The likeliest places with different lines, then, if these are too few, those that differ in something else. */
function differentPlaces(places: readonly Finished[], count: number, vocabulary: ConstraintVocabulary): Finished[] {
  const complete = places.filter((place) => place.finish === 'done');
  const { line } = vocabulary.special;
  const seen = new Set<string>();
  const first = complete.filter((place) => {
    const key = place.tokens.slice(place.tokens.indexOf(line)).join();
    return seen.has(key) ? false : seen.add(key);
  });
  const rest = complete.filter((place) => !first.includes(place));
  return [...first, ...rest].slice(0, count);
}

function joined(parts: readonly Finished[], vocabulary: ConstraintVocabulary): Hypothesis {
  const tokens = parts.flatMap((part) => part.tokens);
  const sum = (of: (part: Finished) => number): number => parts.reduce((total, part) => total + of(part), 0);
  const logprob = sum((part) => part.logprob);
  const choices = sum((part) => part.choices);
  const confidence = Math.exp(logprob / Math.max(1, choices));
  return { analysis: { ...parseAnalysis(tokens, vocabulary), confidence }, tokens, logprob, choices };
}
