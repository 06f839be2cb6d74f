/** An analysis automaton names only what the window has, whatever the model prefers. */
import assert from 'node:assert/strict';
import { AnalysisConstraint, analysisChoices } from '../../model/constraints/analysis-constraint.js';
import type { ConstraintVocabulary } from '../../model/constraints/vocabulary.js';
import type { Tokenizer } from '../../model/tokenizer.js';
import { hostileWindow } from './hostile-windows.js';
import { randomWalk, seededRandom } from './random-walk.js';
import { tinyVocabulary } from './tiny-vocabulary.js';

const TYPES = ['wrong condition', 'wrong operator', 'missing check'];

describe('analysis constraint', () => {
  let tokenizer: Tokenizer;
  let vocabulary: ConstraintVocabulary;

  before(async () => {
    ({ tokenizer, vocabulary } = await tinyVocabulary());
  });

  it('ends every random walk with all fields, closed ones from their lists', () => {
    for (let index = 0; index < 300; index++) {
      const random = seededRandom(index);
      const lines = hostileWindow(index, random).map((line) => Array.from(line.trim()).slice(0, 80).join(''));
      const locations = ['a.py::<module>', 'a.py::f', 'a.py::f.g'];
      const choices = analysisChoices({ types: TYPES, locations, lines }, vocabulary);
      const tokens = randomWalk(new AnalysisConstraint(choices, vocabulary), {
        random,
        vocabularySize: tokenizer.size,
        favourites: [vocabulary.special.type, vocabulary.special.patch],
        favour: 0.05,
      });
      const { problem, type, loc, line, hint, patch } = vocabulary.special;
      const at = [problem, type, loc, line, hint, patch].map((symbol) => tokens.indexOf(symbol));
      assert.equal(at[0], 0);
      assert.equal(at[5], tokens.length - 1);
      assert.ok(!tokenizer.decode(tokens).includes('\ufffd'));
      const field = (i: number) => tokens.slice(at[i]! + 1, at[i + 1]);
      assert.ok(field(0).length >= 1 && field(0).length <= 51 && !field(0).includes(vocabulary.newline));
      assert.ok(TYPES.includes(tokenizer.decode(field(1))));
      assert.ok(locations.includes(tokenizer.decode(field(2))));
      assert.ok([...lines, ''].includes(tokenizer.decode(field(3))), JSON.stringify(tokenizer.decode(field(3))));
      assert.ok(field(4).length <= 63 && !field(4).includes(vocabulary.newline));
    }
  });

  it('forces what has one continuation and stops after the field asked for', () => {
    const choices = analysisChoices({ types: ['wrong name'], locations: ['a.py::f'], lines: ['x = 1'] }, vocabulary);
    const constraint = new AnalysisConstraint(choices, vocabulary, { until: 'problem' });
    assert.deepEqual(constraint.forced(), [vocabulary.special.problem]);
    const { type, loc, line } = vocabulary.special;
    for (const token of [vocabulary.special.problem, ...vocabulary.encodeText('x'), type]) constraint.advance(token);
    assert.ok(constraint.done);
    const next = constraint.goOn('line');
    const forced = [...vocabulary.encodeText('wrong name'), loc, ...vocabulary.encodeText('a.py::f'), line];
    assert.deepEqual(next.forced(), forced);
  });
});
