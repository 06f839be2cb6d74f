import type { LineEdit } from './edits.js';

const STRING_OR_COMMENT = /(["'`])(?:\\.|(?!\1).)*\1|#.*|\/\/.*/g;
const NAME = /[\p{L}_$][\p{L}\p{N}_$]*/gu;
/** What comes before a name that is defined there. */
const DEFINES =
  /\b(?:def|class|import|from|as|for|let|const|var|function|lambda|global|nonlocal)\s+(?:[\w$]+\s*,\s*)*$/;

/** Words that need no definition: Python's keywords and common builtins. */
const KNOWN = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda ' +
    'nonlocal not or pass raise return try while with yield match case self cls super abs all any bool bytes bytearray callable chr classmethod ' +
    'dict dir divmod enumerate filter float format frozenset getattr hasattr hash hex id input int isinstance issubclass iter len list map max min ' +
    'next object open ord pow print property range repr reversed round set setattr slice sorted staticmethod str sum tuple type vars zip ' +
    'Exception ValueError TypeError KeyError IndexError AttributeError RuntimeError NotImplementedError StopIteration OSError ImportError ' +
    'ZeroDivisionError AssertionError NameError LookupError UnicodeError UnicodeDecodeError FileNotFoundError PermissionError TimeoutError ' +
    'const let var function return new this typeof undefined null true false'
  ).split(' '),
);

/** All names in the text of a file; large files make this worth doing once. */
export function namesIn(text: string): ReadonlySet<string> {
  return new Set(text.match(NAME));
}

/**
 * Names that added lines use and neither the file, the language nor the lines themselves define, by the look of the text: attributes,
 * named arguments and what stands in strings and comments do not count. `inFile` are the {@link namesIn} the file without the edits.
 */
export function newNames(edits: readonly LineEdit[], inFile: ReadonlySet<string>): string[] {
  const added = edits.flatMap((edit) => edit.added).map((line) => line.replace(STRING_OR_COMMENT, '""'));
  if (added.length === 0) return [];
  const own = new Set<string>();
  const used = new Set<string>();
  for (const line of added) {
    for (const { 0: name, index } of line.matchAll(NAME)) {
      const [left, right] = [line.slice(0, index), line.slice(index + name.length)];
      if (/^\s*(?::[^=]*)?=(?!=)/.test(right) || DEFINES.test(left)) own.add(name);
      // 1e5 and 0xff are numbers.
      else if (!/[.\p{N}]$/u.test(left)) used.add(name);
    }
  }
  return [...used].filter((name) => !KNOWN.has(name) && !inFile.has(name) && !own.has(name));
}
