import { setImmediate } from 'node:timers/promises';
import type { WrittenPatch } from './written-patch.js';
import { applyEdits, editsOfHunks, normalisedText, type LineEdit } from './edits.js';
import type { ParsedFile, SyntaxChecker } from './syntax.js';
import type { CodeWindow } from './windows.js';

/** What a written patch does to its file. */
export interface Effect {
  readonly written: WrittenPatch;
  /** Edits of the file, in order. */
  readonly edits: readonly LineEdit[];
  /** The whole file without and with the edits. */
  readonly before: string;
  readonly after: string;
  /** Whether the file parses; null if its language is not known. */
  readonly parsesBefore: boolean | null;
  readonly parsesAfter: boolean | null;
  /** Whether all changed lines are comments, documentation or blank; false if that is not known. */
  readonly isProse: boolean;
  /** Equal for patches of one file that come to the same: the same syntax tree, or, where none is known, the same text. */
  readonly key: string;
}

/** Those that break no syntax, as far as that is known; all, if each of them does. */
export function withoutBroken<T extends Pick<Effect, 'parsesBefore' | 'parsesAfter'>>(all: readonly T[]): readonly T[] {
  const sound = all.filter((one) => !breaksSyntax(one));
  return sound.length > 0 ? sound : all;
}

/** Whether a file that parses no longer does. */
export function breaksSyntax({ parsesBefore, parsesAfter }: Pick<Effect, 'parsesBefore' | 'parsesAfter'>): boolean {
  return parsesBefore === true && parsesAfter === false;
}

/**
 * The effects of the patches of one window; without those that change nothing. Parsing a large file takes long, so each
 * distinct result is parsed once, and others have their turn before it: an abort is heeded within one parse.
 */
export async function effectsOf(
  window: CodeWindow,
  written: readonly WrittenPatch[],
  checker: Pick<SyntaxChecker, 'parse' | 'keysFor'> | undefined,
  signal?: AbortSignal,
): Promise<Effect[]> {
  const { path, text: before } = window.file;
  const editsByResult = new Map<string, Pick<Effect, 'written' | 'edits'>[]>();
  for (const patch of written) {
    const edits = editsOfHunks(patch.hunks, window.start);
    const after = applyEdits(window.file, edits);
    if (after === before) continue;
    const same = editsByResult.get(after) ?? [];
    editsByResult.set(after, [...same, { written: patch, edits }]);
  }
  const effects: Effect[] = [];
  if (editsByResult.size === 0) return effects;
  const parse = async (text: string): Promise<ParsedFile | undefined> => {
    await setImmediate();
    signal?.throwIfAborted();
    return checker?.parse(path, text);
  };
  const keys = checker?.keysFor(path);
  const parsedBefore = await parse(before);
  const unchanged = keys && parsedBefore?.key(keys);
  try {
    for (const [after, patches] of editsByResult) {
      const parsedAfter = await parse(after);
      const tree = keys && parsedAfter?.key(keys);
      // Whoever changes comments only is told apart by what they say.
      const key = `${path}\n${tree === undefined || tree === unchanged ? `text ${normalisedText(after)}` : `tree ${tree}`}`;
      for (const { written, edits } of patches) {
        effects.push({
          written,
          edits,
          before,
          after,
          parsesBefore: parsedBefore?.isSound ?? null,
          parsesAfter: parsedAfter?.isSound ?? null,
          isProse: changesOnlyProse(edits, parsedBefore, parsedAfter),
          key,
        });
      }
      parsedAfter?.dispose();
    }
  } finally {
    parsedBefore?.dispose();
  }
  return effects;
}

function changesOnlyProse(
  edits: readonly LineEdit[],
  before: ParsedFile | undefined,
  after: ParsedFile | undefined,
): boolean {
  if (!before || !after) return false;
  let shift = 0;
  return edits.every(({ start, deleted, added }) => {
    const first = start + shift;
    shift += added.length - deleted;
    return isProseRun(before, start, deleted) && isProseRun(after, first, added.length);
  });
}

function isProseRun(parsed: ParsedFile, start: number, length: number): boolean {
  for (let row = start; row < start + length; row++) if (!parsed.isProseLine(row)) return false;
  return true;
}
