import { indentation } from '../../pipeline/definitions.js';
import { firstCharacters } from '../../pipeline/source-file.js';
import { sameLines } from './fault-type.js';
import { changesOfLine } from './line-tokens.js';
import { similarity } from './sequence-matcher.js';

const MAX_HINT = 100;
/** Once the hint is longer than this, further edits are not told. */
const ENOUGH = 60;
/** Lines less alike are not told apart token by token. */
const ALIKE = 0.75;

/** One edit: all its lines, and of them those of code, stripped. */
export interface ToldEdit {
  readonly deleted: readonly string[];
  readonly added: readonly string[];
  readonly oldCode: readonly string[];
  readonly newCode: readonly string[];
}

/** A short plan of the edits, at most 100 characters, in the words of the backbone's data. */
export function hintOf(edits: readonly ToldEdit[]): string {
  const parts: string[] = [];
  for (const edit of edits) {
    const part = hintOfEdit(edit);
    if (part !== '') parts.push(part);
    if (parts.reduce((sum, { length }) => sum + length, 0) > ENOUGH) break;
  }
  return clip(parts.join('; '), MAX_HINT);
}

function hintOfEdit({ deleted, added, oldCode: old, newCode: fresh }: ToldEdit): string {
  if (old.length === 0) return fresh.length === 0 ? '' : `add ${clip(fresh[0]!, 80)}`;
  if (fresh.length === 0) return `remove ${clip(old[0]!, 80)}`;
  if (sameLines(old, fresh)) return hintOfMove(deleted, added, old, fresh);
  if (isPart(old, fresh) || isPart(fresh, old)) {
    const more = fresh.find((line) => !old.includes(line));
    if (more !== undefined) return `add ${clip(more, 80)}`;
    return `remove ${clip(
      old.find((line) => !fresh.includes(line))!,
      80,
    )}`;
  }
  const [from, to] = pairOf(old, fresh);
  const isNear = old.length === fresh.length || similarity(from, to) > ALIKE;
  return (isNear && hintInLine(from, to)) || `rewrite ${clip(from, 36)} as ${clip(to, 50)}`;
}

/** The same lines in another order or column. */
function hintOfMove(
  deleted: readonly string[],
  added: readonly string[],
  old: readonly string[],
  fresh: readonly string[],
): string {
  if (fresh[0] !== old[0]) return `move ${clip(fresh[0]!, 60)} first`;
  const column = (lines: readonly string[]): number => indentation(lines.find((line) => line.trim() !== '')!);
  const deeper = column(added) - column(deleted);
  if (deeper === 0) return `reorder after ${clip(old[0]!, 60)}`;
  return `${deeper > 0 ? 'indent' : 'dedent'} ${clip(old[0]!, 60)}`;
}

/** Whether all lines of one list are in the other, which has more. */
function isPart(some: readonly string[], all: readonly string[]): boolean {
  return some.every((line) => all.includes(line)) && all.some((line) => !some.includes(line));
}

/** A removed line and the added line that stands for it. */
function pairOf(old: readonly string[], fresh: readonly string[]): readonly [string, string] {
  if (old.length === fresh.length) {
    const at = old.findIndex((line, index) => line !== fresh[index]);
    return [old[at]!, fresh[at]!];
  }
  const from = old.find((line) => !fresh.includes(line)) ?? old[0]!;
  const scores = fresh.slice(0, 4).map((line) => similarity(from, line));
  const best = Math.max(...scores);
  if (best > ALIKE) return [from, fresh[scores.indexOf(best)]!];
  return [from, fresh.find((line) => !old.includes(line)) ?? fresh[0]!];
}

/** What to change inside one line; empty if it is too much. */
function hintInLine(old: string, fresh: string): string {
  const changes = changesOfLine(old, fresh);
  if (changes.length > 2) return '';
  const parts = changes.map(({ removedText, addedText, before }) => {
    const last = before.at(-1);
    if (removedText && addedText) return `replace ${clip(removedText, 40)} with ${clip(addedText, 48)}`;
    const place = last === undefined ? '' : ` after ${clip(last, 24)}`;
    return addedText
      ? `insert ${clip(addedText, 56)}${place || ' at the start'}`
      : `remove ${clip(removedText, 56)}${place}`;
  });
  return parts.join('; ');
}

function clip(text: string, size: number): string {
  return firstCharacters(text, size) === text ? text : `${firstCharacters(text, size - 1).trimEnd()}…`;
}
