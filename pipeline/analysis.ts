import type { AnalysisChoices } from '../model/constraints/analysis-constraint.js';
import { analysisChoices } from '../model/constraints/analysis-constraint.js';
import type { ConstraintVocabulary } from '../model/constraints/vocabulary.js';
import { definitionStyle, MODULE_SCOPE, scopeAt } from './definitions.js';
import { firstCharacters } from './source-file.js';
import type { Analysis } from './types.js';
import { viewsOf, type CodeWindow } from './windows.js';

const MAX_LINE_CHARACTERS = 80;

/** How a line is named in an analysis; may end in a space where it is cut, as in training. */
export function namedLine(line: string): string {
  return firstCharacters(line.trim(), MAX_LINE_CHARACTERS);
}

/** Whether an analysis, whose fields are trimmed, names this line. */
export function isNamed(line: string, name: string): boolean {
  return namedLine(line).trim() === name.trim();
}

/** How the place of a line (0-based in the window) is named in an analysis. */
export function locationOf(window: CodeWindow, views: readonly string[], index: number): string {
  const scope =
    index < views.length ? scopeAt(views, index, window.heading, definitionStyle(window.file.path)) : MODULE_SCOPE;
  return `${window.file.path.slice(window.file.path.lastIndexOf('/') + 1)}::${scope}`;
}

/** Everything an analysis of this window may name. */
export function choicesOf(
  window: CodeWindow,
  types: readonly string[],
  vocabulary: ConstraintVocabulary,
): AnalysisChoices {
  const views = viewsOf(window);
  const named = views.flatMap((view, index) => (view.trim() === '' ? [] : [index]));
  const locations = named.map((index) => locationOf(window, views, index));
  const outside = locationOf(window, [], 0);
  return analysisChoices(
    { types, locations: [...locations, outside], lines: named.map((index) => namedLine(views[index]!)) },
    vocabulary,
  );
}

/** The fields of an analysis by its tokens, from `<|problem|>` to `<|patch|>`; absent ones are empty. */
export function parseAnalysis(
  tokens: readonly number[],
  vocabulary: ConstraintVocabulary,
): Omit<Analysis, 'confidence'> {
  const { problem, type, loc, line, hint, patch } = vocabulary.special;
  const symbols = new Set([problem, type, loc, line, hint, patch]);
  const field = (symbol: number): string => {
    const start = tokens.indexOf(symbol) + 1;
    if (start === 0) return '';
    const length = tokens.slice(start).findIndex((token) => symbols.has(token));
    return vocabulary.decode(tokens.slice(start, length < 0 ? undefined : start + length)).trim();
  };
  return {
    problem: field(problem),
    fault_type: field(type),
    fault_location: field(loc),
    line: field(line),
    hint: field(hint),
  };
}
