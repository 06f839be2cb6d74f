import { definitionStyle } from '../../pipeline/definitions.js';
import { commentMark, isPython } from '../data/source-language.js';

/** How statements of a language look at the beginning of a stripped line. */
export interface CodeStyle {
  isComment(line: string): boolean;
  isDefinition(line: string): boolean;
  readonly imports: RegExp;
  readonly condition: RegExp;
  /** What catches an exception, what throws one, and everything around both. */
  readonly handler: RegExp;
  readonly raise: RegExp;
  readonly guard: RegExp;
  readonly constant: RegExp;
}

/** By the file's name: Python exactly as in the backbone's data, everything else by what the common languages share. */
export function codeStyle(path: string): CodeStyle {
  if (isPython(path)) return PYTHON;
  const definitions = definitionStyle(path);
  const mark = commentMark(path);
  return {
    ...OTHERS,
    isComment: (line) => line.startsWith(mark) || (mark === '//' && line.startsWith('/*')),
    isDefinition: (line) => definitions.nameOf(line) !== undefined,
  };
}

const PYTHON: CodeStyle = {
  isComment: (line) => line.startsWith('#'),
  isDefinition: (line) => /^(?:async def|def|class)\b/.test(line),
  imports: /^(?:from |import )/,
  condition: /^(?:if|elif|while)\b.*(?:[:(\\,]|\band|\bor)\s*(?:#.*)?$/,
  handler: /^except\b/,
  raise: /^raise\b/,
  guard: /^(?:try|except|finally)\b/,
  constant: /^(?:\d[\p{L}\p{N}_.]*|True|False|None)$/u,
};

const OTHERS: Omit<CodeStyle, 'isComment' | 'isDefinition'> = {
  imports: /^(?:import|from|use|using|require|#\s*include)\b/,
  condition: /^(?:\}\s*)?(?:else\s*)?(?:if|elsif|elif|unless|while|switch|match|guard)\b/,
  handler: /^(?:\}\s*)?(?:catch|rescue|except)\b/,
  raise: /^(?:throw|raise|panic)\b/,
  guard: /^(?:\}\s*)?(?:try|catch|finally|rescue|ensure|except)\b/,
  constant: /^(?:\d[\p{L}\p{N}_.]*|true|false|null|nil|undefined)$/u,
};
