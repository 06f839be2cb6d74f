import type { Hunk } from '../model/constraints/hunk.js';
import { PatchConstraint } from '../model/constraints/patch-constraint.js';
import type { ConstraintVocabulary } from '../model/constraints/vocabulary.js';
import type { WindowLines } from '../model/constraints/window-lines.js';
import type { TokenEvent } from '../model/generate.js';
import type { Hypothesis } from './hypotheses.js';

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

/** What `writePatches` needs. */
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
