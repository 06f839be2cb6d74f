import type { DecoderState } from '../model/decoder-state.js';
import { AnalysisConstraint, type AnalysisChoices } from '../model/constraints/analysis-constraint.js';
import type { ConstraintVocabulary } from '../model/constraints/vocabulary.js';
import { beam, generate, type Finished, type Start, type TokenEvent } from '../model/generate.js';
import { topChoices } from '../model/sampling.js';
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
  /** Asked before each run of the graph; true ends the search with what is whole, perhaps nothing. */
  readonly isOver?: () => boolean;
  readonly signal?: AbortSignal;
  readonly onToken?: (event: TokenEvent) => void;
}

/** Tokens of a free field beyond its limit: its symbols, and the rest of a character begun at the limit. */
const SYMBOLS = 8;

/** Longer than any type, location and line together. */
const MAX_PLACE_TOKENS = 256;

/** Beginnings of the hint that are looked at for each place. */
const HINT_BEGINNINGS = 2;

/**
 * Several distinct analyses, best first. The problem is written once; a beam over type, location and line finds the
 * places that are likely. Each place may be hinted at in two ways, since the hint's first words say what is to be done: of all
 * these the likeliest are taken, different lines first, and their hints are written in one batch. Rows are given up at the end.
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
  const stops = { ...(signal && { signal }), ...(options.isOver && { isOver: options.isOver }) };
  const common = { ...stops, ...(options.onToken && { onToken: options.onToken }) };
  const start = { row: state.row(), constraint, prompt: [vocabulary.special.analyse] };
  const [problem] = await generate(state, [start], { ...common, maxNewTokens: options.maxProblemTokens + SYMBOLS });
  if (problem!.finish === 'stopped') return [];
  const places = await beam(
    state,
    { row: problem!.row, constraint: constraintOf(problem!).goOn('line'), prompt: problem!.pending },
    { width: Math.max(options.beamWidth, count), maxNewTokens: MAX_PLACE_TOKENS, ...stops },
  );
  const complete = places.filter((place) => place.finish === 'done');
  if (complete.length === 0 || options.isOver?.()) return [];
  const chosen = differentBeginnings(await hintBeginnings(state, complete, signal), count, vocabulary);
  for (const token of [...chosen[0]!.place.tokens, chosen[0]!.token])
    options.onToken?.({ index: 0, token, forced: false });
  const starts = chosen.map(({ place, token }): Start => {
    const constraint = constraintOf(place).goOn('hint');
    constraint.advance(token);
    return { row: state.fork(place.row), constraint, prompt: [token] };
  });
  const hints = await generate(state, starts, { ...common, maxNewTokens: options.maxHintTokens + SYMBOLS });
  for (const { row } of [...places, ...hints]) state.drop(row);
  return hints.flatMap((hint, index) => {
    const { place, token, logprob } = chosen[index]!;
    const first = { tokens: [token], logprob, choices: 1 };
    return hint.finish === 'done' ? [joined([problem!, place, first, hint], vocabulary)] : [];
  });
}

/** A place, and a token with which its hint may begin. */
interface HintBeginning {
  readonly place: Finished;
  readonly token: number;
  readonly logprob: number;
}

/** The likeliest beginnings of the hint at each place, all places read in one batch. */
async function hintBeginnings(
  state: DecoderState,
  places: readonly Finished[],
  signal: AbortSignal | undefined,
): Promise<HintBeginning[]> {
  const logits = await state.step(
    places.map(({ row, pending }) => ({ row, tokens: pending })),
    signal,
  );
  return places.flatMap((place, index) =>
    topChoices(logits[index]![0]!, constraintOf(place).goOn('hint').allowed(), HINT_BEGINNINGS).map((choice) => ({
      place,
      ...choice,
    })),
  );
}

function constraintOf(finished: Finished): AnalysisConstraint {
  if (!(finished.constraint instanceof AnalysisConstraint)) throw new TypeError('This is a bug: not an analysis.');
  return finished.constraint;
}

/** The likeliest beginnings with different lines, then, if these are too few, those that differ in something else. */
function differentBeginnings(
  beginnings: readonly HintBeginning[],
  count: number,
  vocabulary: ConstraintVocabulary,
): HintBeginning[] {
  const total = ({ place, logprob }: HintBeginning): number => place.logprob + logprob;
  const likeliest = [...beginnings].sort((a, b) => total(b) - total(a));
  const { line } = vocabulary.special;
  const seen = new Set<string>();
  const first = likeliest.filter(({ place }) => {
    const key = place.tokens.slice(place.tokens.indexOf(line)).join();
    return seen.has(key) ? false : seen.add(key);
  });
  const rest = likeliest.filter((beginning) => !first.includes(beginning));
  return [...first, ...rest].slice(0, count);
}

/** A part of an analysis, as it was written. */
type Part = Pick<Finished, 'tokens' | 'logprob' | 'choices'>;

function joined(parts: readonly Part[], vocabulary: ConstraintVocabulary): Hypothesis {
  const tokens = parts.flatMap((part) => part.tokens);
  const sum = (of: (part: Part) => number): number => parts.reduce((total, part) => total + of(part), 0);
  const logprob = sum((part) => part.logprob);
  const choices = sum((part) => part.choices);
  const confidence = Math.exp(logprob / Math.max(1, choices));
  return { analysis: { ...parseAnalysis(tokens, vocabulary), confidence }, tokens, logprob, choices };
}
