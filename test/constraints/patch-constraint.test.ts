/** A patch automaton walked at random always ends in a patch that changes the window, on every window and budget. */
import assert from 'node:assert/strict';
import { editedTexts, isNoOp } from '../../model/constraints/hunk.js';
import { PatchConstraint } from '../../model/constraints/patch-constraint.js';
import type { ConstraintVocabulary } from '../../model/constraints/vocabulary.js';
import { WindowLines } from '../../model/constraints/window-lines.js';
import type { Tokenizer } from '../../model/tokenizer.js';
import { FIXED_WINDOWS, hostileWindow } from './hostile-windows.js';
import { pick, randomWalk, seededRandom } from './random-walk.js';
import { tinyVocabulary } from './tiny-vocabulary.js';

describe('patch constraint', () => {
  let tokenizer: Tokenizer;
  let vocabulary: ConstraintVocabulary;
  const patch = (views: readonly string[], maxTokens = 320) =>
    new PatchConstraint(new WindowLines(views, vocabulary), vocabulary, { maxTokens });

  before(async () => {
    ({ tokenizer, vocabulary } = await tinyVocabulary());
  });

  it('ends every random walk in a patch that changes the window, within its budget', () => {
    let hunks = 0;
    for (let index = 0; index < 800; index++) {
      const random = seededRandom(index);
      const lines = hostileWindow(index % 5 === 0 ? (index / 5) % FIXED_WINDOWS : index, random);
      const views = lines.map((text) => Array.from(text).slice(0, 240).join(''));
      const window = new WindowLines(views, vocabulary);
      const maxTokens = pick(random, [0, 8, 12, 20, 40, 80, 320]);
      const constraint = new PatchConstraint(window, vocabulary, { maxTokens });
      const tokens = randomWalk(constraint, {
        random,
        vocabularySize: tokenizer.size,
        favourites: [tokenizer.newline, tokenizer.newline, ...tokenizer.encodeText(views[0] ?? 'x')],
        favour: random(),
      });
      assert.ok(tokens.length <= Math.max(8, maxTokens), `window ${index}: ${tokens.length} of ${maxTokens} tokens`);
      assert.equal(tokens.at(-1), tokenizer.eos);
      let position = 0;
      for (const hunk of constraint.closedHunks) {
        assert.ok(hunk.start >= position && !isNoOp(hunk, window), `window ${index}`);
        position = hunk.start + hunk.context + hunk.deleted;
        assert.ok(position <= views.length);
        assert.ok(hunk.added.every((text) => !/[\n\r\0\ufffd]/.test(text)));
      }
      assert.notDeepEqual(editedTexts(constraint.closedHunks, window), window.texts, `window ${index} is changed`);
      hunks += constraint.closedHunks.length;
    }
    assert.ok(hunks > 900, `some walks write several hunks (${hunks} in 800)`);
  });

  it('forces the rest of a line once only one line fits', () => {
    const { ctx } = vocabulary.special;
    const constraint = patch(['alpha = 1', 'beta = 2', 'c']);
    constraint.advance(ctx);
    const second = vocabulary.encodeLine('beta = 2');
    constraint.advance(second[0]!);
    assert.deepEqual(constraint.forced(), second.slice(1));
  });

  it('refuses to add or end while the anchor is ambiguous', () => {
    const { ctx, del, add } = vocabulary.special;
    const constraint = patch(['a', 'b', 'a', 'c']);
    for (const token of [del, ...vocabulary.encodeLine('a')]) constraint.advance(token);
    assert.deepEqual(constraint.allowed(), { only: [del] });
    constraint.advance(del);
    const allowed = constraint.allowed();
    assert.ok('only' in allowed && allowed.only.length === 2, 'b or c');
    for (const token of vocabulary.encodeLine('c')) constraint.advance(token);
    assert.deepEqual(constraint.allowed(), { only: [add, vocabulary.eos] });
    assert.throws(() => {
      constraint.advance(ctx);
    }, RangeError);
  });

  it('does not close a hunk that types the deleted line again', () => {
    const { del, add } = vocabulary.special;
    const constraint = patch(['a = 1', 'b = 2']);
    const line = vocabulary.encodeLine('a = 1');
    for (const token of [del, ...line, add, ...line]) constraint.advance(token);
    assert.deepEqual(constraint.allowed(), { only: [add] });
  });

  it('does not end when the last hunk undoes the first', () => {
    const { top, ctx, del, add } = vocabulary.special;
    const constraint = patch(['a', 'a']);
    const line = vocabulary.encodeLine('a');
    for (const token of [top, del, ...line, ctx, ...line, add, ...line]) constraint.advance(token);
    assert.deepEqual(constraint.allowed(), { only: [add] });
  });

  it('starts an empty window with an insertion at the top', () => {
    const { top, add } = vocabulary.special;
    assert.deepEqual(patch([]).forced(), [top, add]);
  });

  it('drafts the rest of the deleted line, also after a change in the middle', () => {
    const { del, add } = vocabulary.special;
    const line = vocabulary.encodeLine('    return self.first + self.second');
    const constraint = patch(['    return self.first + self.second', 'x']);
    for (const token of [del, ...line]) constraint.advance(token);
    assert.deepEqual(constraint.draft(), [add, ...line.slice(0, 15)]);
    constraint.advance(add);
    assert.deepEqual(constraint.draft(), line.slice(0, 16));
    for (const token of line.slice(0, 4)) constraint.advance(token);
    assert.deepEqual(constraint.draft(), line.slice(4, 20));
    const other = vocabulary.encodeText('Z')[0]!;
    constraint.advance(other);
    assert.deepEqual(constraint.draft(), line.slice(5, 21), 'one token was replaced');
    constraint.advance(line[5]!);
    assert.deepEqual(constraint.draft(), line.slice(6, 22), 'the typed text is found again');
  });

  it('drafts from the hint and the window where a line is new', () => {
    const { ctx, add } = vocabulary.special;
    const quoted = vocabulary.encodeLine('    raise ValueError(name, value)');
    const hint = vocabulary.encodeText('add if first is missing: return');
    const views = ['    raise ValueError(name, value)', 'x'];
    const window = new WindowLines(views, vocabulary);
    const constraint = new PatchConstraint(window, vocabulary, { maxTokens: 320, hint });
    for (const token of [ctx, ...vocabulary.encodeLine('x'), add]) constraint.advance(token);
    assert.deepEqual(constraint.draft(), []);
    for (const token of quoted.slice(0, 3)) constraint.advance(token);
    assert.deepEqual(constraint.draft(), quoted.slice(3, 19));
    for (const token of hint.slice(1, 4)) constraint.advance(token);
    assert.deepEqual(constraint.draft(), hint.slice(4, 20));
  });

  it('goes forward only, with hunks of every kind', () => {
    const { top, ctx, del, add } = vocabulary.special;
    const views = ['a = 1', 'b = 2', 'c = 3', 'd = 4', 'e = 5'];
    const window = new WindowLines(views, vocabulary);
    const constraint = new PatchConstraint(window, vocabulary, { maxTokens: 320 });
    const line = (text: string) => vocabulary.encodeLine(text);
    const patchTokens = [
      ...[top, add, ...line('zero'), add, ...line('')],
      ...[ctx, ...line('b = 2'), del, ...line('c = 3')],
      ...[ctx, ...line('d = 4'), add, ...line('d2')],
      ...[del, ...line('e = 5'), add, ...line('E'), vocabulary.eos],
    ];
    for (const token of patchTokens) constraint.advance(token);
    assert.ok(constraint.done);
    assert.deepEqual(constraint.closedHunks, [
      { start: 0, context: 0, deleted: 0, added: ['zero', ''] },
      { start: 1, context: 1, deleted: 1, added: [] },
      { start: 3, context: 1, deleted: 0, added: ['d2'] },
      { start: 4, context: 0, deleted: 1, added: ['E'] },
    ]);
    assert.deepEqual(editedTexts(constraint.closedHunks, window), ['zero', '', 'a = 1', 'b = 2', 'd = 4', 'd2', 'E']);
    assert.throws(() => {
      const backwards = new PatchConstraint(window, vocabulary, { maxTokens: 320 });
      for (const token of [del, ...line('c = 3'), ctx, ...line('a = 1')]) backwards.advance(token);
    }, RangeError);
  });
});
