/**
 * Where definitions begin, by the look of a line: enough to cut a file at sensible places and to name a line's
 * surroundings, in any of the common languages.
 */

/** As Python's `\w` and `\b`, which know the letters of every language; those of JavaScript do not. */
const PYTHON = /^\s*(?:async\s+def|def|class)(?![\p{L}\p{N}_])\s*([\p{L}\p{N}_]*)/u;

const KEYWORDS =
  'func|fn|function|class|interface|struct|impl|trait|enum|module|namespace|def|defp|defmodule|sub|proc|object|record|type|public|private|protected|static|export|abstract|final|pub|async|virtual|override|unsafe|extern';

/** A definition's keyword at the beginning of the line, after any number of modifiers. */
const GENERIC = new RegExp(`^\\s*(?:(?:${KEYWORDS})\\b(?:\\s*\\([^)]*\\))?\\s*)+\\*?\\s*(.*)$`);

const PYTHON_FILE = /\.(?:py|pyi|pyx|pxd)$/i;
const C_FILE = /\.(?:c|h|cc|cpp|cxx|hh|hpp|java|cs|m|mm|php|dart|kt|scala|swift)$/i;

/** Longer lines are data. */
const MAX_LINE = 400;

/** Recognises definitions in the files of one language. */
export interface DefinitionStyle {
  /** The defined name, empty if it has none; undefined if the line opens no definition. */
  nameOf(line: string): string | undefined;
}

/** By the file's name; Python exactly as in training, everything else by a generic pattern. */
export function definitionStyle(path: string): DefinitionStyle {
  if (PYTHON_FILE.test(path)) return { nameOf: (line) => PYTHON.exec(line)?.[1] };
  const cLike = C_FILE.test(path);
  return {
    nameOf(line) {
      if (line.length > MAX_LINE) return undefined;
      const generic = GENERIC.exec(line);
      if (generic) return lastName(generic[1] ?? '');
      return cLike ? cFunctionName(line) : undefined;
    },
  };
}

/** `static int *find(int key) {` at the left margin: functions of C and its relatives. */
function cFunctionName(line: string): string | undefined {
  const open = line.indexOf('(');
  const name = /[A-Za-z_~][\w:~]*$/.exec(line.slice(0, Math.max(open, 0)).trimEnd());
  if (!name || !/^[A-Za-z_][\w\s*&:<>,~]*[\s*&]$/.test(line.slice(0, name.index))) return undefined;
  const rest = line.slice(open).trimEnd();
  return rest.includes(';') || !/(?:\{|\)|const)$/.test(rest) ? undefined : name[0];
}

/** `int add(int a)` → `add`, `Foo<T> extends Bar` → `Foo`. */
function lastName(rest: string): string {
  const call = /([A-Za-z_$][\w$]*)\s*(?:<[^>]*>)?\s*\(/.exec(rest);
  return call?.[1] ?? /[A-Za-z_$][\w$]*/.exec(rest)?.[0] ?? '';
}

/** Columns of leading white space, a tab up to the next multiple of eight. */
export function indentation(line: string): number {
  let column = 0;
  for (const character of line) {
    if (character === ' ') column++;
    else if (character === '\t') column += 8 - (column % 8);
    else break;
  }
  return column;
}

/** How far a decorator may be above the definition it belongs to. */
const DECORATOR_REACH = 8;

/** The scope of lines outside of any definition. */
export const MODULE_SCOPE = '<module>';

/**
 * The name of the innermost definition that holds a line of a window, by indentation; `heading` is the definition above
 * the window. A line that opens a definition is in it. The same rule made the training data.
 */
export function scopeAt(lines: readonly string[], index: number, heading: string, style: DefinitionStyle): string {
  const line = lines[index]!;
  const own = style.nameOf(line);
  if (own) return own;
  let width = indentation(line);
  if (line.trimStart().startsWith('@')) {
    const below = lines.slice(index, index + DECORATOR_REACH).map((text) => style.nameOf(text));
    return below.find((name) => name) ?? MODULE_SCOPE;
  }
  for (let above = index - 1; above >= 0 && width > 0; above--) {
    const text = lines[above]!;
    const column = indentation(text);
    const first = text.trimStart().charAt(0);
    if (first === '' || column >= width || ')]}#"\''.includes(first)) continue;
    const name = style.nameOf(text);
    if (name) return name;
    width = column;
  }
  const outer = width > 0 ? style.nameOf(heading) : undefined;
  return outer ?? MODULE_SCOPE;
}
