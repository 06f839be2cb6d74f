import type { Tokenizer } from '../model/tokenizer.js';
import { definitionStyle, indentation } from './definitions.js';
import type { SourceFile } from './source-file.js';

/** A stretch of successive lines of a file. Positions are 0-based, `end` is not part of it. */
export interface CodeWindow {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
  /** The last line above that opens a definition, stripped; empty if there is none. */
  readonly heading: string;
}

export interface WindowLimits {
  readonly maxLines: number;
  /** Tokens of the window's lines at most. A line that is longer by itself is in no window. */
  readonly maxTokens: number;
}

/** Neighbouring windows share at most this part of their lines. */
const MAX_OVERLAP = 0.35;

/** The most indented definitions that are preferred as a cut: members of a class, not functions inside functions. */
const MEMBER_COLUMN = 4;

/** Tells how many tokens a line has; a tokenizer does it exactly. */
export interface LineMeasure {
  encodeLine(line: string): { readonly length: number };
}

/** For planning windows of much code: code has some three characters a token. {@link fitToTokens} is exact. */
export const roughMeasure: LineMeasure = { encodeLine: (line) => ({ length: Math.ceil(line.length / 3) + 1 }) };

/**
 * Cuts a file into overlapping windows. The next window begins at the last definition that begins in the second part
 * of the one before (else at a blank line there), so that most definitions are whole in some window.
 */
export function cutIntoWindows(file: SourceFile, limits: WindowLimits, measure: LineMeasure): CodeWindow[] {
  const count = file.lines.length;
  const sizes = file.lines.map((_, index) => measure.encodeLine(file.view(index)).length);
  const definitions = definitionLines(file);
  const windows: CodeWindow[] = [];
  let start = 0;
  while (start < count) {
    const end = endOfWindow(sizes, start, limits);
    if (end === start) {
      start++; // This line alone is too long.
      continue;
    }
    // The last window is as long as the others: what comes before helps to understand it.
    const from = end === count && windows.length > 0 ? startOfWindow(sizes, end, limits) : start;
    windows.push({ file, start: from, end, heading: headingAbove(file, definitions, from) });
    if (end === count) break;
    start = nextStart(file, start, end, definitions);
  }
  return windows;
}

/** For each line whether it opens a definition. */
function definitionLines(file: SourceFile): boolean[] {
  const style = definitionStyle(file.path);
  return file.lines.map((_, index) => style.nameOf(file.lineText(index)) !== undefined);
}

function headingAbove(file: SourceFile, definitions: readonly boolean[], start: number): string {
  const index = start > 0 ? definitions.lastIndexOf(true, start - 1) : -1;
  return index < 0 ? '' : file.lineText(index).trim();
}

/**
 * A window without the lines at its end that exceed the limit, and the tokens of the others.
 * Undefined if no line fits.
 */
export function fitToTokens(
  window: CodeWindow,
  maxTokens: number,
  tokenizer: Tokenizer,
): { readonly window: CodeWindow; readonly tokens: number[] } | undefined {
  const tokens: number[] = [];
  let end = window.start;
  for (; end < window.end; end++) {
    const line = tokenizer.encodeLine(window.file.view(end));
    if (tokens.length + line.length > maxTokens) break;
    for (const token of line) tokens.push(token);
  }
  return end === window.start ? undefined : { window: { ...window, end }, tokens };
}

/** What the model sees of the window's lines. */
export function viewsOf(window: CodeWindow): string[] {
  return Array.from({ length: window.end - window.start }, (_, index) => window.file.view(window.start + index));
}

function endOfWindow(sizes: readonly number[], start: number, limits: WindowLimits): number {
  let tokens = 0;
  let end = start;
  while (end < sizes.length && end - start < limits.maxLines && tokens + sizes[end]! <= limits.maxTokens) {
    tokens += sizes[end]!;
    end++;
  }
  return end;
}

function startOfWindow(sizes: readonly number[], end: number, limits: WindowLimits): number {
  let tokens = 0;
  let start = end;
  while (start > 0 && end - start < limits.maxLines && tokens + sizes[start - 1]! <= limits.maxTokens) {
    start--;
    tokens += sizes[start]!;
  }
  return start;
}

/** Where the window after start…end begins: in its last part, so they overlap, or right at its end. */
function nextStart(file: SourceFile, start: number, end: number, definitions: readonly boolean[]): number {
  const earliest = start + Math.ceil((end - start) * (1 - MAX_OVERLAP));
  let inner: number | undefined;
  let blank: number | undefined;
  for (let index = end; index >= earliest; index--) {
    const text = file.lineText(index);
    if (text.trim() === '') blank = index + 1;
    if (definitions[index] !== true) continue;
    if (indentation(text) <= MEMBER_COLUMN) return aboveDecorators(file, index, earliest);
    inner ??= index;
  }
  return inner ?? (blank === undefined ? earliest : Math.min(blank, end));
}

/** Decorators, attributes and comments right above a definition belong to it. */
function aboveDecorators(file: SourceFile, index: number, earliest: number): number {
  let first = index;
  while (first > earliest && /^\s*(?:@|#|\/\/|\/?\*|\[)/.test(file.lineText(first - 1))) first--;
  return first;
}
