import type { ModelConfig } from '../../model/config.js';
import { PatchConstraint } from '../../model/constraints/patch-constraint.js';
import { constraintVocabulary } from '../../model/constraints/vocabulary.js';
import { WindowLines } from '../../model/constraints/window-lines.js';
import type { Tokenizer } from '../../model/tokenizer.js';
import { applyEdits, editsOfHunks, type LineEdit } from '../../pipeline/edits.js';
import { issueTokens, placeTokens } from '../../pipeline/prompt.js';
import { SourceFile } from '../../pipeline/source-file.js';
import { cutIntoWindows, fitToTokens, viewsOf, type CodeWindow } from '../../pipeline/windows.js';
import { ANALYSIS_FIELDS, derivedAnalysis, type AnalysisRecord } from './derived-analysis.js';
import { changedPath, lineEdits, RowDropped } from './line-edits.js';
import { rememberedMeasure } from './line-measure.js';
import { patchTokens } from './patch-tokens.js';
import type { TrainingRow } from './sequences.js';

/** An edit as people have it: the issue, the files before, the unified diff; and, if somebody wrote one, the analysis. */
export interface EditRecord {
  readonly issue: { readonly title: string; readonly body: string };
  readonly files: readonly { readonly path: string; readonly content: string }[];
  readonly patch: string;
  readonly analysis?: AnalysisRecord | undefined;
}

/** Room for path and heading while the window is chosen, as in serving. */
const PLACE_TOKENS = 60;
/** Most tokens of an added line, as in serving. */
const MAX_ADD_TOKENS = 160;

/**
 * An edit as tokens: the window that serving would cut, the analysis that is given or follows from the patch, the patch
 * in the text protocol. It is followed through the decoder's own constraint, and its hunks must give the file that the
 * diff gives. Throws `RowDropped`.
 */
export function rowOfEdit(record: EditRecord, id: string, config: ModelConfig, tokenizer: Tokenizer): TrainingRow {
  return placedEdit(record, id, config, tokenizer).row;
}

/** A row with what it was made of. */
export interface PlacedEdit {
  readonly row: TrainingRow;
  readonly window: CodeWindow;
  /** Edits of the window: positions within it. */
  readonly edits: readonly LineEdit[];
}

/** {@link rowOfEdit} with its window. Throws `RowDropped`. */
export function placedEdit(record: EditRecord, id: string, config: ModelConfig, tokenizer: Tokenizer): PlacedEdit {
  const path = changedPath(record.patch);
  const content = record.files.find((file) => file.path === path)?.content;
  if (content === undefined) throw new RowDropped('patch_without_its_file');
  const file = SourceFile.parse(path, content);
  if (!file) throw new RowDropped('file_is_not_text');
  const edits = lineEdits(record.patch, file);
  const { window, source } = windowAround(file, edits, record.issue, config, tokenizer);
  const inside = edits.map((edit) => ({ ...edit, start: edit.start - window.start }));
  const patch = patchTokens(viewsOf(window), inside, tokenizer);
  checkInProtocol(patch, window, file, edits, config, tokenizer);
  const { special } = tokenizer;
  const analysis = record.analysis ?? derivedAnalysis(record.issue.title, window, inside);
  const analysisIds = ANALYSIS_FIELDS.flatMap((field) => [special[field], ...tokenizer.encodeText(analysis[field])]);
  return { row: { id, sourceIds: source, analysisIds, patchIds: patch }, window, edits: inside };
}

/** Of the windows that hold all edits the one that shows most around them, with the encoder's tokens. */
function windowAround(
  file: SourceFile,
  edits: readonly LineEdit[],
  issue: EditRecord['issue'],
  config: ModelConfig,
  tokenizer: Tokenizer,
): { readonly window: CodeWindow; readonly source: number[] } {
  const ofIssue = issueTokens(issue, tokenizer);
  const maxTokens = config.max_source_tokens - ofIssue.length - PLACE_TOKENS;
  const first = edits[0]!.start;
  const last = edits[edits.length - 1]!;
  const end = Math.max(last.start + last.deleted, first + 1);
  let best: { readonly window: CodeWindow; readonly source: number[]; readonly margin: number } | undefined;
  for (const cut of cutIntoWindows(file, { maxLines: config.window_lines, maxTokens }, rememberedMeasure(tokenizer))) {
    const head = [...ofIssue, ...placeTokens(file.path, cut.heading, tokenizer)];
    const fitted = fitToTokens(cut, config.max_source_tokens - head.length, tokenizer);
    // An insertion after the last line of a window begins where the window ends.
    if (!fitted || fitted.window.start > first || fitted.window.end < Math.min(end, file.lines.length)) continue;
    const margin = Math.min(first - fitted.window.start, fitted.window.end - end);
    if (!best || margin > best.margin) best = { window: fitted.window, source: [...head, ...fitted.tokens], margin };
  }
  if (!best) throw new RowDropped('edit_in_no_window');
  return best;
}

/** What the constraint would not let the agent write must not be taught, nor what gives another file. */
function checkInProtocol(
  patch: readonly number[],
  window: CodeWindow,
  file: SourceFile,
  edits: readonly LineEdit[],
  config: ModelConfig,
  tokenizer: Tokenizer,
): void {
  const vocabulary = constraintVocabulary(tokenizer);
  const constraint = new PatchConstraint(new WindowLines(viewsOf(window), vocabulary), vocabulary, {
    maxTokens: config.max_target_tokens,
    maxAddTokens: MAX_ADD_TOKENS,
  });
  try {
    for (const token of [...patch, tokenizer.eos]) constraint.advance(token);
  } catch (error) {
    if (error instanceof RangeError) throw new RowDropped('not_in_the_protocol');
    throw error;
  }
  const written = applyEdits(file, editsOfHunks(constraint.closedHunks, window.start));
  if (!constraint.done || written !== applyEdits(file, edits)) throw new RowDropped('not_in_the_protocol');
}
