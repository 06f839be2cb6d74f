import { pick } from './random-walk.js';

const CODE = [
  'def total(values):',
  '    result = 0',
  '    for value in values:',
  '        result += value',
  '    return result',
  '',
  '    ',
  '\t\tif x:\ty = 1  ',
  'class Ä(object):',
  '    """Grüße, 世界 🎉‍🔥"""',
  '    text = "<|add|>x<|del|>"',
  '<|patch|>',
  '<|ctx|>    return result',
  'a\u2581b c',
  'a b c',
  'x = "\u2028\u00a0\u200b"',
  '\u001b[0m\u0007',
  'e\u0301 = é',
  'x'.repeat(300),
  `y = [${'1, '.repeat(120)}]`,
  '🎉'.repeat(90),
  '\r',
  'a\rb',
];

const FIXED: readonly (readonly string[])[] = [
  [],
  [''],
  ['x'],
  ['', '', '', ''],
  Array.from({ length: 80 }, () => '    pass'),
  Array.from({ length: 80 }, () => ''),
  ['a', 'b', 'a'],
  ['a', 'b', 'a', 'b', 'a', 'b'],
  ['a', 'a', 'b', 'a', 'a', 'b'],
  ['🎉'.repeat(90), '🎉'.repeat(90)],
  Array.from({ length: 4 }, () => 'z'.repeat(240)),
];

/** Number of windows that are always the same; the rest are random. */
export const FIXED_WINDOWS = FIXED.length;

/** The i-th window of lines (no line feeds) to try: first the fixed nasty ones, then random mixtures with many repeats. */
export function hostileWindow(index: number, random: () => number): readonly string[] {
  const fixed = FIXED[index];
  if (fixed) return fixed;
  const length = 1 + Math.floor(random() * (random() < 0.3 ? 80 : 12));
  const pool = Array.from({ length: 1 + Math.floor(random() * 8) }, () => pick(random, CODE));
  return Array.from({ length }, (_, line) => (random() < 0.3 ? `    step_${line}()` : pick(random, pool)));
}
