import { formatPatch, structuredPatch } from 'diff';

const CONTEXT_LINES = 3;

/**
 * The difference of two texts of one file in git's format, three lines of context. Line ends are kept as they are and
 * a missing newline at the end is marked, so that `git apply` takes it. Empty if the texts are equal.
 */
export function unifiedDiff(path: string, before: string, after: string): string {
  if (before === after) return '';
  const patch = structuredPatch(`a/${path}`, `b/${path}`, before, after, undefined, undefined, {
    context: CONTEXT_LINES,
  });
  return formatPatch({ ...patch, isGit: true });
}
