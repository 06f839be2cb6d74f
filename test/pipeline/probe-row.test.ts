/** The held-out rows: they are the cases of the tests, and what they call right is what the agents could write. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { applyPatch } from 'diff';
import { caseNames, loadCase } from '../../cli/cases.js';
import { PatchConstraint } from '../../model/constraints/patch-constraint.js';
import { constraintVocabulary } from '../../model/constraints/vocabulary.js';
import { WindowLines } from '../../model/constraints/window-lines.js';
import { parseAnalysis, choicesOf, isNamed, locationOf } from '../../pipeline/analysis.js';
import { applyEdits, editsOfHunks } from '../../pipeline/edits.js';
import { parseProbeRows, probeTokens, scoreProbeRow } from '../../pipeline/probe-row.js';
import { SourceFile } from '../../pipeline/source-file.js';
import { viewsOf, type CodeWindow } from '../../pipeline/windows.js';
import { packageRoot } from '../../server/config.js';
import { tinyEngine } from './tiny-engine.js';

describe('probe rows', () => {
  const rows = parseProbeRows(readFileSync(path.join(packageRoot, 'deploy', 'probe-rows.jsonl'), 'utf8'));
  let engine: Awaited<ReturnType<typeof tinyEngine>>;
  before(async () => {
    engine = await tinyEngine();
  });
  after(() => engine.close());

  it('are the cases', async () => {
    assert.deepEqual(
      rows.map(({ name }) => name),
      await caseNames(),
    );
    for (const { name, issue, path: file, content } of rows) {
      const { issue: expected, files } = await loadCase(name);
      assert.deepEqual({ issue, files: [{ path: file, content }] }, { issue: expected, files });
    }
  });

  it('hold patches that the code agent may write and that do what the fix does', async () => {
    const { config, tokenizer } = engine.backbone;
    const vocabulary = constraintVocabulary(tokenizer);
    for (const row of rows) {
      const file = SourceFile.parse(row.path, row.content)!;
      const window: CodeWindow = { file, start: 0, end: file.lines.length, heading: '' };
      const constraint = new PatchConstraint(new WindowLines(viewsOf(window), vocabulary), vocabulary, {
        maxTokens: config.max_target_tokens,
      });
      for (const token of [...probeTokens(row, tokenizer).patch, tokenizer.eos]) constraint.advance(token);
      assert.ok(constraint.done, row.name);
      const { expectedFix } = await loadCase(row.name);
      assert.equal(applyEdits(file, editsOfHunks(constraint.closedHunks, 0)), applyPatch(row.content, expectedFix));
    }
  });

  it('hold analyses that name what is there', () => {
    const { config, tokenizer } = engine.backbone;
    const vocabulary = constraintVocabulary(tokenizer);
    for (const row of rows) {
      const file = SourceFile.parse(row.path, row.content)!;
      const window: CodeWindow = { file, start: 0, end: file.lines.length, heading: '' };
      assert.ok(choicesOf(window, config.fault_types, vocabulary));
      assert.ok(config.fault_types.includes(row.analysis.fault_type), row.name);
      const views = viewsOf(window);
      const named = views.findIndex(
        (view, at) => isNamed(view, row.analysis.line) && locationOf(window, views, at) === row.analysis.fault_location,
      );
      assert.ok(named >= 0, row.name);
      assert.deepEqual(parseAnalysis(probeTokens(row, tokenizer).analysis, vocabulary), row.analysis);
    }
  });

  it('are scored token by token: the same again gives the same, another answer another score', async () => {
    const [row] = rows;
    const score = () => scoreProbeRow(engine.backbone, engine.agents, row!);
    const first = await score();
    assert.deepEqual(await score(), first);
    const tokens = probeTokens(row!, engine.backbone.tokenizer);
    assert.equal(first.analysis.tokens, tokens.analysis.length + 1);
    assert.equal(first.code.tokens, tokens.patch.length + 1);
    assert.ok(first.code.loss > 0 && first.code.correct <= first.code.tokens);
    const other = await scoreProbeRow(engine.backbone, engine.agents, { ...row!, patch: [['del', 'x']] });
    assert.notEqual(other.code.loss, first.code.loss);
  });

  it('name the line of the file that is none', () => {
    assert.throws(() => parseProbeRows(`${JSON.stringify(rows[0])}\n{"name": 1}\n`), /Line 2 is no probe row/);
    assert.throws(() => parseProbeRows('\n'), /no probe rows/);
  });
});
