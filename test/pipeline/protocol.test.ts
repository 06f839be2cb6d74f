/** Serving reads and writes the text protocol exactly as training does: rows made by the training code (make-protocol-rows.py). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Constraint } from '../../model/constraint.js';
import { AnalysisConstraint } from '../../model/constraints/analysis-constraint.js';
import { editedTexts } from '../../model/constraints/hunk.js';
import { PatchConstraint } from '../../model/constraints/patch-constraint.js';
import type { ConstraintVocabulary } from '../../model/constraints/vocabulary.js';
import { WindowLines } from '../../model/constraints/window-lines.js';
import type { Tokenizer } from '../../model/tokenizer.js';
import { choicesOf } from '../../pipeline/analysis.js';
import { definitionStyle, scopeAt } from '../../pipeline/definitions.js';
import { issueTokens, placeTokens } from '../../pipeline/prompt.js';
import { SourceFile } from '../../pipeline/source-file.js';
import { DEFAULT_OPTIONS } from '../../pipeline/types.js';
import { viewsOf, type CodeWindow } from '../../pipeline/windows.js';
import { readConfig } from '../../model/config.js';
import { TINY_MODEL, tinyVocabulary } from '../constraints/tiny-vocabulary.js';

interface Row {
  readonly title: string;
  readonly body: string;
  readonly path: string;
  readonly heading: string;
  readonly lines: readonly string[];
  readonly after: readonly string[];
  /** Scope of each line that is not blank. */
  readonly scopes: readonly (string | null)[];
  readonly source: readonly number[];
  readonly analysis: readonly number[];
  readonly patch: readonly number[];
}

const rows = JSON.parse(readFileSync('test/fixtures/protocol-rows.json', 'utf8')) as Row[];

function windowOf({ path, lines, heading }: Row): CodeWindow {
  const file = SourceFile.parse(path, lines.map((line) => `${line}\n`).join(''))!;
  return { file, start: 0, end: lines.length, heading };
}

/** Walks a sequence; forced runs must agree with it. */
function follow(constraint: Constraint, tokens: readonly number[]): void {
  let position = 0;
  while (position < tokens.length) {
    const forced = constraint.forced();
    assert.deepEqual(tokens.slice(position, position + forced.length), forced);
    const next = forced.length > 0 ? forced : [tokens[position]!];
    for (const token of next) constraint.advance(token);
    position += next.length;
  }
  assert.ok(constraint.done);
}

describe('text protocol', () => {
  let tokenizer: Tokenizer;
  let vocabulary: ConstraintVocabulary;
  let types: readonly string[];

  before(async () => {
    ({ tokenizer, vocabulary } = await tinyVocabulary());
    types = (await readConfig(TINY_MODEL)).fault_types;
  });

  it('has the same encoder text', () => {
    for (const row of rows) {
      const head = [...issueTokens(row, tokenizer), ...placeTokens(row.path, row.heading, tokenizer)];
      const lines = viewsOf(windowOf(row)).flatMap((view) => tokenizer.encodeLine(view));
      assert.deepEqual([...head, ...lines], row.source);
    }
  });

  it('has the same scopes', () => {
    for (const { path, lines, heading, scopes } of rows) {
      const own = lines.map((line, index) =>
        line.trim() === '' ? null : scopeAt(lines, index, heading, definitionStyle(path)),
      );
      assert.deepEqual(own, scopes);
    }
  });

  it('allows every analysis', () => {
    for (const row of rows) {
      const choices = choicesOf(windowOf(row), types, vocabulary);
      const limits = DEFAULT_OPTIONS;
      follow(new AnalysisConstraint(choices, vocabulary, limits), [...row.analysis, tokenizer.special.patch]);
    }
  });

  it('allows every patch and understands the same by it', () => {
    for (const row of rows) {
      const window = new WindowLines(row.lines, vocabulary);
      const constraint = new PatchConstraint(window, vocabulary, { maxTokens: DEFAULT_OPTIONS.maxPatchTokens });
      follow(constraint, [...row.patch, tokenizer.eos]);
      assert.deepEqual(editedTexts(constraint.closedHunks, window), row.after);
    }
  });
});
