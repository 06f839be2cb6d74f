import { parsePatch } from 'diff';
import type { LineEdit } from '../../pipeline/edits.js';
import type { SourceFile } from '../../pipeline/source-file.js';

/** Why an edit cannot be learnt from; each is counted in the report. */
export type DropReason =
  | 'not_json'
  | 'not_a_row'
  | 'messages_without_issue'
  | 'messages_without_patch'
  | 'patch_unreadable'
  | 'patch_of_several_files'
  | 'patch_without_its_file'
  | 'file_is_not_text'
  | 'patch_does_not_apply'
  | 'patch_changes_nothing'
  | 'edit_in_no_window'
  | 'no_unique_anchor'
  | 'not_in_the_protocol'
  | 'too_many_tokens'
  | 'token_unknown'
  | 'no_analysis'
  | 'other_chain'
  | 'also_held_out';

/** Thrown while a row is made; the reader counts it and goes on. */
export class RowDropped extends Error {
  override readonly name = 'RowDropped';

  constructor(readonly reason: DropReason) {
    super(reason);
  }
}

/** The path a unified diff changes. Throws `RowDropped` unless it changes exactly one existing file. */
export function changedPath(patch: string): string {
  const [only, ...others] = parsedPatch(patch);
  if (!only || only.hunks.length === 0) throw new RowDropped('patch_unreadable');
  if (others.length > 0) throw new RowDropped('patch_of_several_files');
  if (only.isCreate === true || only.isDelete === true || only.isRename === true || only.oldFileName === undefined) {
    throw new RowDropped('patch_without_its_file');
  }
  return only.oldFileName.replace(/^a\//, '');
}

/**
 * A unified diff of one file as edits of its lines, in order: what is equal at the borders of a change is no part of
 * it, changes that touch are one. Throws `RowDropped` where a quoted line is not the file's.
 */
export function lineEdits(patch: string, file: SourceFile): LineEdit[] {
  const edits: LineEdit[] = [];
  for (const hunk of parsedPatch(patch)[0]!.hunks) {
    // A hunk that quotes nothing counts its place from the line before.
    let line = hunk.oldLines === 0 ? hunk.oldStart : hunk.oldStart - 1;
    let edit = { start: line, deleted: 0, added: [] as string[] };
    const close = (): void => {
      if (edit.deleted > 0 || edit.added.length > 0) edits.push(edit);
      edit = { start: line, deleted: 0, added: [] };
    };
    for (const text of hunk.lines) {
      const [mark, content] = [text[0], withoutReturn(text.slice(1))];
      if (mark === '+') edit.added.push(content);
      else if (mark === '-' || mark === ' ') {
        if (line >= file.lines.length || file.lineText(line) !== content) throw new RowDropped('patch_does_not_apply');
        line++;
        if (mark === '-') edit.deleted++;
        else close();
      }
    }
    close();
  }
  const tidy = edits.map((edit) => withoutEqualBorders(edit, file)).filter((edit) => edit.deleted + edit.added.length);
  if (tidy.length === 0) throw new RowDropped('patch_changes_nothing');
  return tidy;
}

/** The files of a unified diff. Throws `RowDropped`. */
export function parsedPatch(patch: string): ReturnType<typeof parsePatch> {
  try {
    return parsePatch(patch);
  } catch {
    throw new RowDropped('patch_unreadable');
  }
}

function withoutReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}

function withoutEqualBorders({ start, deleted, added }: LineEdit, file: SourceFile): LineEdit {
  let [first, last] = [0, 0];
  const most = Math.min(deleted, added.length);
  while (first < most && file.lineText(start + first) === added[first]) first++;
  while (last < most - first && file.lineText(start + deleted - 1 - last) === added[added.length - 1 - last]) last++;
  return {
    start: start + first,
    deleted: deleted - first - last,
    added: added.slice(first, added.length - last),
  };
}
