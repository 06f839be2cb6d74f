// The analysis that follows from a patch is the one that the Python side gave the backbone's data.
import assert from 'node:assert/strict';
import { SourceFile } from '../../pipeline/source-file.js';
import type { LineEdit } from '../../pipeline/edits.js';
import { derivedAnalysis, type AnalysisRecord } from '../../training/finetune/derived-analysis.js';
import { readDataRows, toLineEdits } from '../data/data-rows.js';

function analysisOf(path: string, lines: readonly string[], edits: readonly LineEdit[]): AnalysisRecord {
  const file = SourceFile.parse(path, lines.map((line) => `${line}\n`).join(''))!;
  return derivedAnalysis(
    '  Baskets are\tadded up twice ',
    { file, start: 0, end: file.lines.length, heading: '' },
    edits,
  );
}

describe('derived analysis', () => {
  it('is what Python makes of the same edits, field by field', () => {
    const { rows } = readDataRows();
    assert(new Set(rows.map(({ analysis }) => analysis.type)).size > 15, 'most types of fault are there');
    for (const { lines, edits, analysis } of rows) {
      assert.deepEqual(analysisOf('shop/basket.py', lines, toLineEdits(edits)), analysis, analysis.hint);
    }
  });

  it('knows the statements of other languages', () => {
    const lines = ['// Adds.', 'function add(a, b) {', '  if (a > b) {', '    throw new Error("a");', '  }', '}'];
    const change = (start: number, ...added: string[]): AnalysisRecord =>
      analysisOf('lib/sum.ts', lines, [{ start, deleted: 1, added }]);
    assert.deepEqual(change(2, '  if (a >= b) {'), {
      problem: 'Baskets are added up twice',
      type: 'wrong condition',
      loc: 'sum.ts::add',
      line: 'if (a > b) {',
      hint: 'replace > with >=',
    });
    assert.equal(change(1, 'function add(a, b, c) {').type, 'signature');
    assert.equal(change(3, '    throw new RangeError("a");').type, 'wrong exception');
    assert.equal(
      change(3, '    // Not possible.', '    if (!a) return b;').hint,
      'rewrite throw new Error("a"); as if (!a) return b;',
    );
  });

  it('names no line where nothing stands above an insertion', () => {
    const { line, loc } = analysisOf('a.py', ['', 'x = 1'], [{ start: 0, deleted: 0, added: ['import os'] }]);
    assert.deepEqual({ line, loc }, { line: '', loc: 'a.py::<module>' });
  });
});
