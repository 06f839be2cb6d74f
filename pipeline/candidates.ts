import { PatchConstraint } from '../model/constraints/patch-constraint.js';
import type { Hunk } from '../model/constraints/hunk.js';
import type { ConstraintVocabulary } from '../model/constraints/vocabulary.js';
import type { WindowLines } from '../model/constraints/window-lines.js';
import type { DecoderState } from '../model/decoder-state.js';
import type { TokenEvent } from '../model/generate.js';
import type { Hypothesis } from './hypotheses.js';
import { PatchSearch } from './patch-search.js';

/** A patch as the code agent wrote it. */
export interface WrittenPatch {
  readonly hypothesis: Hypothesis;
  readonly hunks: readonly Hunk[];
  readonly tokens: readonly number[];
  readonly logprob: number;
  readonly choices: number;
  /**
   * The closest choice: log-probability of the token chosen less that of the best other one, in nats. Below 0 where the patch
   * branched off from a likelier one; 0 when it was sampled.
   */
  readonly margin: number;
}

/** What {@link writePatches} needs. */
export interface CandidateOptions {
  readonly lines: WindowLines;
  readonly vocabulary: ConstraintVocabulary;
  /** Different edits wanted, if the hypotheses themselves give fewer. */
  readonly wanted: number;
  /** Batches of branches at most. */
  readonly maxRounds: number;
  /** Tokens of one patch at most, and of analysis and patch together. */
  readonly maxPatchTokens: number;
  readonly maxTargetTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  /** Asked before each run of the graph; true ends the search. */
  readonly isOver?: () => boolean;
  readonly signal?: AbortSignal;
  readonly onToken?: (event: TokenEvent) => void;
}

/**
 * Patches for all hypotheses over one memory: their analyses are read in one batch, then a patch for each is written in one
 * batch. While these are fewer different edits than wanted, further ones are written in batches: at temperature 0 they
 * branch off where the code agent was least sure, else they are drawn again. Those that do not end within their tokens or
 * the time are left out.
 */
export async function writePatches(
  state: DecoderState,
  hypotheses: readonly Hypothesis[],
  options: CandidateOptions,
): Promise<WrittenPatch[]> {
  if (hypotheses.length === 0 || options.isOver?.()) return [];
  const { special } = options.vocabulary;
  const prompts = hypotheses.map(({ tokens }) => [special.analyse, ...tokens]);
  const rows = prompts.map(() => state.row());
  const logits = await state.step(
    prompts.map((tokens, index) => ({ row: rows[index]!, tokens })),
    options.signal,
  );
  const search = new PatchSearch(
    state,
    hypotheses.map((hypothesis, index) => ({
      hypothesis,
      row: rows[index]!,
      logits: logits[index]![0]!,
      promptLength: prompts[index]!.length,
    })),
    options,
  );
  await search.writeFirst();
  for (let round = 0; round < options.maxRounds && search.missing > 0 && !options.isOver?.(); round++) {
    if (!(await search.writeMore(round))) break;
  }
  return search.written;
}

/** The constraint of a patch for a hypothesis. */
export function constraintFor(
  { analysis }: Hypothesis,
  promptLength: number,
  { lines, vocabulary, maxPatchTokens, maxTargetTokens }: CandidateOptions,
): PatchConstraint {
  return new PatchConstraint(lines, vocabulary, {
    maxTokens: Math.min(maxPatchTokens, maxTargetTokens - promptLength),
    hint: vocabulary.encodeText(analysis.hint),
  });
}
