import type { WindowLines } from './window-lines.js';

/** One finished hunk. Line numbers are 0-based positions in the window. */
export interface Hunk {
  /** First quoted line, or 0 for an insertion at the top. */
  readonly start: number;
  /** Quoted lines that stay. */
  readonly context: number;
  /** Quoted lines after them that go. */
  readonly deleted: number;
  /** Lines that come after the quoted ones, as typed. */
  readonly added: readonly string[];
}

/** Whether a hunk replaces lines by the same lines. */
export function isNoOp(hunk: Hunk, window: WindowLines): boolean {
  const first = hunk.start + hunk.context;
  return hunk.added.length === hunk.deleted && hunk.added.every((text, index) => text === window.texts[first + index]);
}

/** The window's lines after all hunks, which are in order and do not overlap. */
export function editedTexts(hunks: readonly Hunk[], window: WindowLines): string[] {
  const result: string[] = [];
  let position = 0;
  for (const hunk of hunks) {
    const first = hunk.start + hunk.context;
    for (; position < first; position++) result.push(window.texts[position]!);
    position += hunk.deleted;
    result.push(...hunk.added);
  }
  for (; position < window.length; position++) result.push(window.texts[position]!);
  return result;
}

/** Whether the hunks together leave every line as it was: each alone has an effect, but one can undo another. */
export function isNoOpTogether(hunks: readonly Hunk[], window: WindowLines): boolean {
  let balance = 0;
  for (const hunk of hunks) balance += hunk.added.length - hunk.deleted;
  if (balance !== 0) return false;
  return editedTexts(hunks, window).every((text, index) => text === window.texts[index]);
}
