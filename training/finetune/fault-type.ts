import type { CodeStyle } from './code-style.js';
import { changesOfLine } from './line-tokens.js';

const OPERATORS = new Set(
  '+ - * / // % ** < > <= >= == != and or not in is & | ^ << >> += -= *= /= = //= |= &='.split(' '),
);
const NAME = /^[A-Za-z_][\p{L}\p{N}_]*$/u;
const RETURN = /^(?:return|yield)\b/;

/**
 * The type of fault that an edit repairs, one of the model's `fault_types`, by the same rules as in the backbone's
 * data (training/pretrain/analysis.py). Both lists are stripped lines of code, without blank lines and comments.
 */
export function faultType(deleted: readonly string[], added: readonly string[], style: CodeStyle): string {
  const old = otherThan(deleted, added);
  const fresh = otherThan(added, deleted);
  const some = (lines: readonly string[], pattern: RegExp): boolean => lines.some((line) => pattern.test(line));
  if (old.length > 0 && sameLines(old, fresh)) return 'order of statements';
  if ([...old, ...fresh].every((line) => style.imports.test(line))) return 'import';
  if (fresh.some((line) => style.isDefinition(line))) {
    return old.some((line) => style.isDefinition(line)) ? 'signature' : 'missing definition';
  }
  if (fresh.length === 0) return 'extra code';
  const isOtherHandler = some(fresh, style.handler) && some(old, style.handler);
  const isOtherRaise = some(fresh, style.raise) && some(old, style.raise) && fresh.length === 1;
  if (isOtherHandler || isOtherRaise) return 'wrong exception';
  if (some(fresh, style.guard)) return 'exception handling';
  if (some(fresh, style.condition)) return some(old, style.condition) ? 'wrong condition' : 'missing check';
  if (old.length === 0) return 'missing statement';
  if (old.length === 1 && fresh.length === 1) {
    const otherwise = /^(?:return|yield)/.test(fresh[0]!) ? 'return value' : 'wrong statement';
    return typeInOneLine(old[0]!, fresh[0]!, style) ?? otherwise;
  }
  if (some([...fresh, ...old], RETURN)) return 'return value';
  return some(fresh, style.raise) ? 'exception handling' : 'wrong statement';
}

/** Whether two lists hold the same lines, in any order. */
export function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && [...a].sort().join('\n') === [...b].sort().join('\n');
}

/** The lines that are not in the other list; all if there are none. */
function otherThan(lines: readonly string[], others: readonly string[]): readonly string[] {
  const own = lines.filter((line) => !others.includes(line));
  return own.length > 0 ? own : lines;
}

/** The type of a change inside one line; undefined if no simple type fits. */
function typeInOneLine(old: string, fresh: string, style: CodeStyle): string | undefined {
  const changes = changesOfLine(old, fresh);
  const [first] = changes;
  if (!first || changes.length > 2) return undefined;
  const everything = changes.flatMap(({ removed, added }) => [...removed, ...added]);
  if (everything.every((token) => /^["']/.test(token))) return 'wrong text';
  if (everything.every((token) => style.constant.test(token))) return 'wrong constant';
  if (everything.every((token) => OPERATORS.has(token))) return 'wrong operator';
  const isSwap = changes.length === 1 && first.removed.length === 1 && first.added.length === 1;
  if (isSwap && NAME.test(first.removed[0]!) && NAME.test(first.added[0]!)) {
    if (first.next === '(') return 'wrong call';
    return first.before.at(-1) === '.' ? 'wrong attribute' : 'wrong name';
  }
  const depth = first.before.reduce((sum, token) => sum + (token === '(' ? 1 : token === ')' ? -1 : 0), 0);
  if (depth > 0) {
    const isMore = changes.every(({ removed }) => removed.length === 0) && everything.includes(',');
    return isMore ? 'missing argument' : 'wrong argument';
  }
  return !old.startsWith('return') && everything.includes('(') ? 'wrong call' : undefined;
}
