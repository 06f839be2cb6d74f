import type { AgentTensors } from '../../model/agent-tensors.js';
import type { Backbone, Memory } from '../../model/backbone.js';
import { PatchConstraint } from '../../model/constraints/patch-constraint.js';
import { constraintVocabulary } from '../../model/constraints/vocabulary.js';
import { WindowLines } from '../../model/constraints/window-lines.js';
import { generate } from '../../model/generate.js';
import { applyEdits, editsOfHunks } from '../../pipeline/edits.js';
import { DEFAULT_OPTIONS } from '../../pipeline/types.js';
import { unifiedDiff } from '../../pipeline/unified-diff.js';
import { viewsOf, type CodeWindow } from '../../pipeline/windows.js';

/** The window's text after a patch, and the patch as a diff. */
export interface Edited {
  readonly after: string;
  readonly diff: string;
}

/**
 * Writes one patch of a window greedily after `prompt` (which ends with `<|patch|>`), under the constraint of serving.
 * Undefined if it did not end within its tokens. Throws `ModelError`.
 */
export async function writePatch(
  backbone: Backbone,
  memory: Memory,
  agent: AgentTensors,
  window: CodeWindow,
  prompt: readonly number[],
  signal: AbortSignal,
): Promise<Edited | undefined> {
  const constraint = constraintOf(backbone, window, backbone.config.max_target_tokens - prompt.length);
  const state = backbone.open(memory, agent);
  try {
    const [finished] = await generate(state, [{ row: state.row(), constraint, prompt }], {
      maxNewTokens: DEFAULT_OPTIONS.maxPatchTokens,
      temperature: 0,
      signal,
    });
    return finished?.finish === 'done' && finished.constraint instanceof PatchConstraint
      ? editedBy(finished.constraint, window)
      : undefined;
  } finally {
    state.close();
  }
}

/** What a row's own patch makes of its window. Throws RangeError if it is not in the protocol. */
export function editOf(backbone: Backbone, window: CodeWindow, patchIds: readonly number[]): Edited {
  const constraint = constraintOf(backbone, window, backbone.config.max_target_tokens);
  for (const token of [...patchIds, backbone.tokenizer.eos]) constraint.advance(token);
  return editedBy(constraint, window);
}

function constraintOf(backbone: Backbone, window: CodeWindow, maxTokens: number): PatchConstraint {
  const vocabulary = constraintVocabulary(backbone.tokenizer);
  return new PatchConstraint(new WindowLines(viewsOf(window), vocabulary), vocabulary, { maxTokens });
}

function editedBy({ closedHunks }: PatchConstraint, { file, start }: CodeWindow): Edited {
  const after = applyEdits(file, editsOfHunks(closedHunks, start));
  return { after, diff: unifiedDiff(file.path, file.text, after) };
}
