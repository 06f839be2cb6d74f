import { PatchConstraint } from '../model/constraints/patch-constraint.js';
import type { Hunk } from '../model/constraints/hunk.js';
import type { ConstraintVocabulary } from '../model/constraints/vocabulary.js';
import type { WindowLines } from '../model/constraints/window-lines.js';
import type { DecoderState } from '../model/decoder-state.js';
import { generate, type Start, type TokenEvent } from '../model/generate.js';
import type { Hypothesis } from './hypotheses.js';

/** A patch as the code agent wrote it. */
export interface WrittenPatch {
  readonly hypothesis: Hypothesis;
  readonly hunks: readonly Hunk[];
  readonly tokens: readonly number[];
  readonly logprob: number;
  readonly choices: number;
}

/** What {@link writePatches} needs. */
export interface CandidateOptions {
  readonly lines: WindowLines;
  readonly vocabulary: ConstraintVocabulary;
  /** Patches for each hypothesis. */
  readonly perHypothesis: number;
  /** Tokens of one patch at most, and of analysis and patch together. */
  readonly maxPatchTokens: number;
  readonly maxTargetTokens: number;
  readonly temperature: number;
  /** For the second and further patches of a hypothesis, which would all be the same when greedy. */
  readonly extraTemperature: number;
  readonly topP: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onToken?: (event: TokenEvent) => void;
}

/**
 * Patches for all hypotheses over one memory: their analyses are read in one batch, then the patches are written in
 * one batch, the likeliest of each hypothesis first. Those that do not end within their tokens are left out.
 */
export async function writePatches(
  state: DecoderState,
  hypotheses: readonly Hypothesis[],
  options: CandidateOptions,
): Promise<WrittenPatch[]> {
  const { vocabulary, signal } = options;
  if (hypotheses.length === 0) return [];
  const prompts = hypotheses.map(({ tokens }) => [vocabulary.special.analyse, ...tokens]);
  const rows = prompts.map(() => state.row());
  const logits = await state.step(
    prompts.map((tokens, index) => ({ row: rows[index]!, tokens })),
    signal,
  );
  const startsOf = (copy: number): Start[] =>
    rows.map((row, index) => ({
      row: copy + 1 === options.perHypothesis ? row : state.fork(row),
      constraint: new PatchConstraint(options.lines, vocabulary, {
        maxTokens: Math.min(options.maxPatchTokens, options.maxTargetTokens - prompts[index]!.length),
        hint: vocabulary.encodeText(hypotheses[index]!.analysis.hint),
      }),
      logits: logits[index]![0]!,
    }));
  const write = async (
    starts: readonly Start[],
    temperature: number,
    seed: number,
    onToken?: (event: TokenEvent) => void,
  ): Promise<WrittenPatch[]> => {
    const finished = await generate(state, starts, {
      maxNewTokens: Math.max(options.maxPatchTokens, 8),
      temperature,
      topP: temperature > 0 ? options.topP : 1,
      seed,
      ...(signal && { signal }),
      ...(onToken && { onToken }),
    });
    for (const { row } of finished) state.drop(row);
    return finished.flatMap(({ constraint, finish, tokens, logprob, choices }, index) =>
      finish === 'done' && constraint instanceof PatchConstraint
        ? [{ hypothesis: hypotheses[index % rows.length]!, hunks: constraint.closedHunks, tokens, logprob, choices }]
        : [],
    );
  };
  const first = await write(startsOf(0), options.temperature, options.seed, options.onToken);
  const others = Array.from({ length: options.perHypothesis - 1 }, (_, copy) => startsOf(copy + 1)).flat();
  if (others.length === 0) return first;
  const extraTemperature = Math.max(options.temperature, options.extraTemperature);
  return [...first, ...(await write(others, extraTemperature, options.seed + 1))];
}
