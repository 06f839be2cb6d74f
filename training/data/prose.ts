import type { SyntaxChecker } from '../../pipeline/syntax.js';
import { commentMark } from './source-language.js';

/** Whether a line (0-based) of a file is blank, or nothing but comment or documentation. */
export type IsProse = (line: number) => boolean;

/** By the file's grammar where there is one (the parser passes over errors), else by how lines begin. */
export function proseOf(path: string, text: string, checker: SyntaxChecker): IsProse {
  const parsed = checker.parse(path, text);
  try {
    const lines = text.split('\n');
    const marked = parsed ? lines.map((_, line) => parsed.isProseLine(line)) : proseByMarks(lines, path);
    return (line) => marked[line] ?? true;
  } finally {
    parsed?.dispose();
  }
}

function proseByMarks(lines: readonly string[], path: string): boolean[] {
  const mark = commentMark(path);
  let isOpen = false;
  return lines.map((line) => {
    const text = line.trim();
    const wasOpen = isOpen;
    if (mark === '//' && (wasOpen || text.startsWith('/*'))) {
      const end = text.indexOf('*/', wasOpen ? 0 : 2);
      isOpen = end < 0;
      return isOpen || end + 2 === text.length;
    }
    return text === '' || text.startsWith(mark);
  });
}
