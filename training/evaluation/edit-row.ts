import type { ModelConfig } from '../../model/config.js';
import type { Tokenizer } from '../../model/tokenizer.js';
import { viewsOf } from '../../pipeline/windows.js';
import { placedEdit } from '../finetune/edit-row.js';
import { RowDropped } from '../finetune/line-edits.js';
import { editOfValue } from '../finetune/row-formats.js';
import type { HeldOutRow, WindowEdit } from './held-out.js';

/**
 * A held-out row of an edit in one of the formats that the trainer reads (`row-formats.ts`), such as those that `npm run data -- mine`
 * makes of a history. Undefined for what the model cannot be asked, as the trainer would leave it out.
 */
export function heldOutOfEdit(
  value: unknown,
  config: ModelConfig,
  tokenizer: Tokenizer,
): HeldOutRow | 'not_a_row' | undefined {
  try {
    const found = editOfValue(value);
    if (!found) return 'not_a_row';
    const { row, window, edits } = placedEdit(found.edit, '', config, tokenizer);
    return {
      kind: 'commit',
      issue: found.edit.issue,
      path: window.file.path,
      heading: window.heading,
      startLine: window.start + 1,
      lines: viewsOf(window),
      edits: edits.map(({ start, deleted, added }): WindowEdit => [start, start + deleted, added]),
      content: window.file.text,
      sourceIds: row.sourceIds,
      analysisIds: row.analysisIds,
      patchIds: row.patchIds,
    };
  } catch (error) {
    if (error instanceof RowDropped) return undefined;
    throw error;
  }
}
