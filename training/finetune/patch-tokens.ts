import type { Tokenizer } from '../../model/tokenizer.js';
import type { LineEdit } from '../../pipeline/edits.js';
import { RowDropped } from './line-edits.js';

/**
 * Edits of a window (positions within it) as the code agent writes them: hunks that quote the deleted lines and, before
 * them, as many lines as make the place unique from the end of the hunk before. Throws `RowDropped` if none do.
 */
export function patchTokens(views: readonly string[], edits: readonly LineEdit[], tokenizer: Tokenizer): number[] {
  const { special } = tokenizer;
  const tokens: number[] = [];
  let cursor = 0;
  let previousIsBare = false;
  for (const [number, { start, deleted, added }] of edits.entries()) {
    const end = start + deleted;
    const isFirst = number === 0;
    let first = start;
    // A hunk needs a line to hold on to; and a hunk that added nothing is ended by the context of the next.
    if ((deleted === 0 || previousIsBare) && first > cursor) first--;
    let atTop = false;
    if (deleted === 0 && first === start) {
      if (!isFirst) throw new RowDropped('no_unique_anchor');
      atTop = true;
    }
    while (!atTop && !isUnique(views, cursor, first, end)) {
      if (first > cursor) first--;
      else if (isFirst) atTop = true;
      else throw new RowDropped('no_unique_anchor');
    }
    if (atTop) tokens.push(special.top);
    for (let line = first; line < end; line++) {
      tokens.push(line < start ? special.ctx : special.del, ...tokenizer.encodeLine(views[line]!));
    }
    for (const text of added) tokens.push(special.add, ...tokenizer.encodeLine(text));
    cursor = end;
    previousIsBare = added.length === 0;
  }
  return tokens;
}

/** Whether the lines `first`…`end - 1` stand nowhere else from the cursor on. */
function isUnique(views: readonly string[], cursor: number, first: number, end: number): boolean {
  for (let other = cursor; other + (end - first) <= views.length; other++) {
    if (other === first) continue;
    let same = 0;
    while (same < end - first && views[other + same] === views[first + same]) same++;
    if (same === end - first) return false;
  }
  return true;
}
