import type { DecoderState } from '../model/decoder-state.js';
import type { Hypothesis } from './hypotheses.js';
import { PatchSearch } from './patch-search.js';
import type { CandidateOptions, WrittenPatch } from './written-patch.js';

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
