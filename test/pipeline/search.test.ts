/** The last lines of a file can be found, however much room its path takes. */
import assert from 'node:assert/strict';
import type { Backbone } from '../../model/backbone.js';
import { readConfig } from '../../model/config.js';
import { prepareWindows } from '../../pipeline/search.js';
import { DEFAULT_OPTIONS } from '../../pipeline/types.js';
import { TINY_MODEL, tinyVocabulary } from '../constraints/tiny-vocabulary.js';

describe('search', () => {
  it('finds the last line of a file with a deep path', async () => {
    const { tokenizer } = await tinyVocabulary();
    const config = await readConfig(TINY_MODEL);
    const path = `${Array.from({ length: 40 }, (_, index) => `qz${index}`).join('/')}/a.py`;
    const lines = Array.from(
      { length: 300 },
      (_, index) => `    value_${index} = call(first_${index}, ${'item_a + item_b, '.repeat(12)})`,
    );
    const content = `def f():\n${lines.join('\n')}\n`;
    const issue = { title: 'value_299 is wrong', body: 'See `first_299`.' };
    const [best] = prepareWindows(
      { config, tokenizer } as Backbone,
      { issue, files: [{ path, content }] },
      DEFAULT_OPTIONS,
    );
    assert.equal(best?.window.end, 301, 'the last line is in the window');
  });
});
