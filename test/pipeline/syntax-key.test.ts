/** Files have the same key when only comments, layout or spelling differ, and others when the code does. */
import assert from 'node:assert/strict';
import { SyntaxChecker } from '../../pipeline/syntax.js';

describe('syntax keys', () => {
  let syntax: SyntaxChecker;

  before(async () => {
    syntax = await SyntaxChecker.load();
  });
  after(() => {
    syntax.dispose();
  });

  const keyOf = (text: string): string | undefined => {
    const parsed = syntax.parse('a.py', text)!;
    const key = parsed.key(syntax.keysFor('a.py')!);
    parsed.dispose();
    return key;
  };
  const text = "def f(a, b):\n    x = g(a, 'k')\n    if a:\n        return (x + b)\n    return b\n";

  it('are the same for the same code, however it is laid out', () => {
    for (const same of [
      text.replace('    if a:', '    # why\n\n    if a:  # here'),
      text.replaceAll('    ', '  '),
      text.replace("'k'", '"k"'),
      text.replace('(x + b)', 'x + b'),
      text.replace("g(a, 'k')", "g(\n        a,\n        'k',\n    )"),
      text.replace('x + b', 'x + \\\n b'),
    ]) {
      assert.equal(keyOf(same), keyOf(text), same);
    }
  });

  it('are others for other code', () => {
    const variants = [
      text.replace('x + b', 'x - b'),
      text.replace("'k'", "'kk'"),
      text.replace("'k'", "r'k'"),
      text.replace("'k'", "'k\\n'"),
      text.replace("'k'", "'m\\n'"),
      text.replace("'k'", "f'{a:>1}'"),
      text.replace("'k'", "f'{a:>2}'"),
      text.replace('    return b', '        return b'),
      text.replace('(a, b)', '(a, *b)'),
      text.replace('g(a', 'g((a,)'),
      text.replace('x + b)', 'x + b,)'),
      text.replace('    if a', '    """Doc."""\n    if a'),
    ];
    const keys = new Set([text, ...variants].map(keyOf));
    assert.equal(keys.size, variants.length + 1);
    assert.ok(!keys.has(undefined));
  });

  it('are unknown for what does not parse, or in other languages', () => {
    assert.equal(keyOf('def f(:\n'), undefined);
    assert.equal(syntax.keysFor('a.rs'), undefined);
  });
});
