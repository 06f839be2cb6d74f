import type { Tokenizer } from '../../model/tokenizer.js';
import type { AnalysedWindow } from '../evaluation/teacher-forcing.js';

/** The window that an encoder text shows; undefined if it shows none, as rows of tokens may. */
export function windowIn(sourceIds: readonly number[], tokenizer: Tokenizer): AnalysedWindow | undefined {
  const { file, code } = tokenizer.special;
  const [pathAt, codeAt] = [sourceIds.indexOf(file), sourceIds.indexOf(code)];
  if (pathAt < 0 || codeAt < pathAt) return undefined;
  const text = (start: number, end?: number): string[] => tokenizer.decode(sourceIds.slice(start, end)).split('\n');
  const [heading, ...lines] = text(codeAt + 1);
  const [title] = text(1, pathAt);
  const [path] = text(pathAt + 1, codeAt);
  if (lines.every((line) => line.trim() === '')) return undefined;
  return { issue: { title: title! }, path: path!, heading: heading!, lines: lines.slice(0, -1), sourceIds };
}

/** At most `count` of some items, evenly spread over them. */
export function evenly<T>(items: readonly T[], count: number): T[] {
  const step = Math.max(1, items.length / count);
  return Array.from({ length: Math.min(items.length, count) }, (_, at) => items[Math.floor(at * step)]!);
}
