import type { Backbone } from '../model/backbone.js';
import { issueTokens, placeTokens } from './prompt.js';
import { findWindows, selectWindows } from './retrieval.js';
import { SourceFile } from './source-file.js';
import type { PatchRequest, PipelineOptions, WindowSummary } from './types.js';
import { cutIntoWindows, fitToTokens, roughMeasure, type CodeWindow } from './windows.js';

/** A window to work on, with the encoder's tokens. */
export interface PreparedWindow {
  readonly window: CodeWindow;
  /** Retrieval score. */
  readonly score: number;
  /** Issue, path, heading and lines. */
  readonly source: readonly number[];
}

/**
 * Room kept for the heading while windows are planned, as much as its 120 characters take unless they are unusual ones;
 * what it really takes is known once a window is chosen.
 */
const HEADING_TOKENS = 48;

/** With more code than this, tokenising all of it would take longer than searching it. */
const MAX_MEASURED_CHARACTERS = 400_000;

/** More windows than needed are looked at, as hostile ones may not fit. */
const SPARE_WINDOWS = 5;

/** The windows of the request to work on, best first; none if there is no line to edit. */
export function prepareWindows(
  { config, tokenizer }: Backbone,
  request: PatchRequest,
  options: PipelineOptions,
): PreparedWindow[] {
  const issue = issueTokens(request.issue, tokenizer);
  const maxSource = config.max_source_tokens;
  const limitsOf = ({ path }: SourceFile) => {
    const place = placeTokens(path, '', tokenizer).length + HEADING_TOKENS;
    return { maxLines: config.window_lines, maxTokens: maxSource - issue.length - place };
  };
  const files = sourceFiles(request, options);
  const characters = files.reduce((sum, { text }) => sum + text.length, 0);
  const measure = characters <= MAX_MEASURED_CHARACTERS ? tokenizer : roughMeasure;
  const windows = files.flatMap((file) => cutIntoWindows(file, limitsOf(file), measure));
  const found = findWindows(request.issue, windows);
  const prepared = selectWindows(found, options.maxWindows + SPARE_WINDOWS, options.minWindowShare).flatMap(
    ({ window, score }): PreparedWindow[] => {
      const head = [...issue, ...placeTokens(window.file.path, window.heading, tokenizer)];
      const fitted = fitToTokens(window, maxSource - head.length, tokenizer);
      return fitted ? [{ window: fitted.window, score, source: [...head, ...fitted.tokens] }] : [];
    },
  );
  return prepared.slice(0, options.maxWindows);
}

/** The text files with lines; of several with one path the first. */
function sourceFiles(request: PatchRequest, options: PipelineOptions): SourceFile[] {
  const files = new Map<string, SourceFile>();
  for (const { path, content } of request.files) {
    if (files.has(path) || content.length > options.maxFileCharacters) continue;
    const file = SourceFile.parse(path, content);
    if (file && file.lines.length > 0) files.set(path, file);
  }
  return [...files.values()];
}

/** A window for people, with 1-based lines. */
export function summary({ window, score }: PreparedWindow): WindowSummary {
  return { path: window.file.path, first_line: window.start + 1, last_line: window.end, score };
}
