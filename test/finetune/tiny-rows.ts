import { unifiedDiff } from '../../pipeline/unified-diff.js';
import { someTokens } from '../helpers/model.js';

/** Rows of the tiny model as JSON lines. What is to be written repeats a few tokens, so there is something to learn. */
export function tinyRows(count: number): string {
  const few = (amount: number, seed: number): number[] => someTokens(amount, seed, 60);
  const lines = Array.from({ length: count }, (_, row) =>
    JSON.stringify({
      source_ids: few(10 + (row % 7) * 3, 3 * row),
      analysis_ids: [9, ...few(3 + (row % 4), 3 * row + 1)],
      patch_ids: [16, ...few(2 + (row % 5), 3 * row + 2), 4],
    }),
  );
  return `${lines.join('\n')}\n`;
}

/** Edits as people have them, each of one small file of its own, as JSON lines. */
export function tinyEdits(count: number): string {
  const lines = Array.from({ length: count }, (_, number) => {
    const before = `def add(a, b):\n    c${number} = a - b\n    return c${number}\n`;
    const patch = unifiedDiff('sum.py', before, before.replace('-', '+'));
    return JSON.stringify({ issue: 'add subtracts', files: [{ path: 'sum.py', content: before }], patch });
  });
  return `${lines.join('\n')}\n`;
}
