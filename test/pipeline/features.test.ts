/** New names are found by the look of added lines; weights turn features into reasons that add up. */
import assert from 'node:assert/strict';
import { FEATURE_NAMES, type Features } from '../../pipeline/features.js';
import { namesIn, newNames } from '../../pipeline/new-names.js';
import { checkedWeights, FORMULA, RANKING_WEIGHTS } from '../../pipeline/ranking-weights.js';
import { weighted } from '../../pipeline/weighted-reasons.js';

describe('new names', () => {
  const names = (...added: string[]): string[] =>
    newNames([{ start: 0, deleted: 0, added }], namesIn('import os\n\ndef f(value):\n    return value\n'));

  it('are those that nothing defines', () => {
    assert.deepEqual(names('    return valeu + other(1e5)'), ['valeu', 'other']);
    assert.deepEqual(names('    return len(value.size) or os.sep'), []);
    assert.deepEqual(names('    return f(key=1)  # about thing', '    raise ValueError("no luck")'), []);
  });

  it('do not include what the added lines define', () => {
    assert.deepEqual(names('    total = 0', '    for item in value:', '        total += item'), []);
    assert.deepEqual(names('from math import floor', 'def g(a: int = 2):', '    return floor(3)'), []);
  });
});

describe('weights of the ranking', () => {
  const features = Object.fromEntries(FEATURE_NAMES.map((name, index) => [name, index / 10])) as Features;
  const reasons = [{ name: 'syntax' as const, weight: 0.3, detail: 'It parses.' }];

  it('leave the formula as it is', () => {
    assert.deepEqual(weighted(reasons, features, FORMULA), reasons);
  });

  it('make reasons that add up to the log-odds', () => {
    const weights = { bias: -1, formula: 2, features: { patch_margin: 0.5, breaks_syntax: -4 }, abstain_below: 0 };
    const learned = weighted(reasons, features, weights);
    const sum = learned.reduce((total, { weight }) => total + weight, 0);
    const expected = -1 + 2 * 0.3 + 0.5 * features.patch_margin - 4 * features.breaks_syntax;
    assert.ok(Math.abs(sum - expected) < 1e-12);
    assert.deepEqual(learned.map(({ name }) => name).sort(), ['calibration', 'patch_likelihood', 'syntax']);
    assert.ok(learned.every(({ detail }) => detail !== ''));
  });

  it('that are committed name features that exist', () => {
    const known: readonly string[] = FEATURE_NAMES;
    assert.deepEqual(
      Object.keys(RANKING_WEIGHTS.features).filter((name) => !known.includes(name)),
      [],
    );
    assert.ok(RANKING_WEIGHTS.abstain_below >= 0 && RANKING_WEIGHTS.abstain_below <= 1);
    assert.throws(() => checkedWeights({ bias: 'a', formula: 1, features: {}, abstain_below: 0 }), TypeError);
  });
});
