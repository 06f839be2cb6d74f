import { indentation } from '../../pipeline/definitions.js';
import { commentMark, isPython } from './source-language.js';

const STRING = String.raw`(?<string>[rRbBuUfF]{0,2}(?:"""(?:\\.|[^\\])*?(?:"""|$)|'''(?:\\.|[^\\])*?(?:'''|$)|"(?:\\.|[^"\\\n])*(?:"|(?=\n)|$)|'(?:\\.|[^'\\\n])*(?:'|(?=\n)|$)))`;
const COMMENTS = {
  '#': String.raw`#[^\n]*`,
  '--': String.raw`--[^\n]*`,
  '//': String.raw`\/\/[^\n]*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/|$)`,
} as const;
const OTHERS = String.raw`(?<word>[\p{L}\p{N}_]+)|(?<newline>\n)|(?<space>\\\n|[^\S\n]+|\\)|(?<sign>\*\*=?|\/\/=?|>>=?|<<=?|[-+*\/%&|^@=!<>]=|->|:=|\.\.\.|[^\p{L}\p{N}_\s])`;

/** Files in which `'x'` and `"x"` are the same. */
const EITHER_QUOTE = /\.(?:py|pyi|pyx|pxd|[mc]?[jt]sx?)$/i;

/**
 * Whether two runs of lines say the same apart from layout, comments and the style of strings. In Python the
 * indentation counts too, as long as the lines are the same ones; prose must be left out before.
 */
export function saysTheSame(before: readonly string[], after: readonly string[], path: string): boolean {
  const [a, b] = [meaning(before, path), meaning(after, path)];
  if (a.tokens.join('\n') !== b.tokens.join('\n')) return false;
  const isMoved = a.columns.length === b.columns.length && a.columns.some((column, at) => column !== b.columns[at]);
  return !(isPython(path) && isMoved);
}

/** Tokens, and the columns in which statements begin. */
function meaning(lines: readonly string[], path: string): { tokens: string[]; columns: number[] } {
  const text = lines.filter((line) => line.trim() !== '').join('\n');
  const comment = COMMENTS[commentMark(path)];
  const tokens: string[] = [];
  const columns: number[] = [];
  let depth = 0;
  let isFresh = true;
  let column = 0;
  for (const { 0: token, groups } of text.matchAll(new RegExp(`${STRING}|(?<comment>${comment})|${OTHERS}`, 'gsu'))) {
    const is = groups!;
    if (is['newline'] !== undefined) {
      isFresh = depth <= 0;
      column = 0;
    } else if (is['space'] !== undefined) {
      if (isFresh) column = indentation(token);
    } else if (is['comment'] === undefined) {
      if (isFresh) columns.push(column);
      isFresh = false;
      if ('([{'.includes(token)) depth++;
      if (')]}'.includes(token)) {
        depth--;
        if (tokens.at(-1) === ',') tokens.pop();
      }
      tokens.push(is['string'] !== undefined && EITHER_QUOTE.test(path) ? plainString(token) : token);
    }
  }
  return { tokens, columns };
}

/** A string literal without its style: quotes and the prefix u do not count. */
function plainString(literal: string): string {
  const body = literal.replace(/^[rRbBuUfF]*/, '');
  const prefix = literal
    .slice(0, literal.length - body.length)
    .toLowerCase()
    .replaceAll('u', '');
  const width = /^(?:"""|''')/.test(body) ? 3 : 1;
  return `${prefix}"${body.slice(width, -width).replaceAll("\\'", "'").replaceAll('\\"', '"')}`;
}
