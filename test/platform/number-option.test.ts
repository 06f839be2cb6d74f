import assert from 'node:assert/strict';
import { numberIn } from '../../platform/number-option.js';

describe('numbers of a command line', () => {
  it('are taken within the range', () => {
    assert.equal(numberIn(1, 8)('8'), 8);
    assert.equal(numberIn(0, 2, false)('0.5'), 0.5);
  });

  for (const text of ['', ' ', 'x', '0', '9', '1.5', 'NaN', '1e999']) {
    it(`refuse ${JSON.stringify(text)} where a whole number from 1 to 8 is wanted`, () => {
      assert.throws(() => numberIn(1, 8)(text), /It must be a whole number from 1 to 8\./);
    });
  }

  it('name the least where there is no largest', () => {
    assert.throws(() => numberIn(3, Infinity)('2'), /a whole number, at least 3\./);
  });
});
