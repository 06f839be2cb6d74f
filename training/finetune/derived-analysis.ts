import { locationOf, namedLine } from '../../pipeline/analysis.js';
import type { LineEdit } from '../../pipeline/edits.js';
import { firstCharacters } from '../../pipeline/source-file.js';
import { viewsOf, type CodeWindow } from '../../pipeline/windows.js';
import { codeStyle } from './code-style.js';
import { hintOf } from './edit-hint.js';
import { faultType } from './fault-type.js';

/** The fields of an analysis, in the order in which the agent writes them. */
export const ANALYSIS_FIELDS = ['problem', 'type', 'loc', 'line', 'hint'] as const;

export type AnalysisRecord = Readonly<Record<(typeof ANALYSIS_FIELDS)[number], string>>;

const MAX_PROBLEM_CHARACTERS = 120;

/**
 * The analysis that goes with edits of a window (positions within it), where nobody wrote one: what the analysis agent
 * should have said. The counterpart of `analyse` in training/pretrain/analysis.py, which made the backbone's data; for
 * Python code it gives the same.
 */
export function derivedAnalysis(title: string, window: CodeWindow, edits: readonly LineEdit[]): AnalysisRecord {
  const views = viewsOf(window);
  const style = codeStyle(window.file.path);
  const code = (lines: readonly string[]): string[] =>
    lines.map((line) => line.trim()).filter((line) => line !== '' && !style.isComment(line));
  const told = edits.map(({ start, deleted, added }) => {
    const removed = views.slice(start, start + deleted);
    return { deleted: removed, added, oldCode: code(removed), newCode: code(added) };
  });
  const line = namedIndex(views, edits);
  return {
    problem: firstCharacters(title.split(/\s+/).filter(Boolean).join(' '), MAX_PROBLEM_CHARACTERS),
    type: faultType(
      told.flatMap(({ oldCode }) => oldCode),
      told.flatMap(({ newCode }) => newCode),
      style,
    ),
    // No line is named where an edit stands above all others; the place is then the file itself.
    loc: locationOf(window, line === undefined ? [] : views, line ?? 0),
    line: line === undefined ? '' : namedLine(views[line]!),
    hint: hintOf(told),
  };
}

/** The first deleted line that is not blank, else the last such line above the first edit. */
function namedIndex(views: readonly string[], edits: readonly LineEdit[]): number | undefined {
  for (const { start, deleted } of edits) {
    for (let index = start; index < start + deleted; index++) if (views[index]!.trim() !== '') return index;
  }
  const above = views.slice(0, edits[0]!.start).findLastIndex((view) => view.trim() !== '');
  return above < 0 ? undefined : above;
}
