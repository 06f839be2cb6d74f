/** Lines are known by the names that analyses give them. */
import assert from 'node:assert/strict';
import { isNamed, namedLine } from '../../pipeline/analysis.js';

describe('analysis', () => {
  it('names a line whose name is cut at a space', () => {
    const line = `    ${'x'.repeat(79)} = 1`;
    assert.ok(namedLine(line).endsWith(' '));
    assert.ok(isNamed(line, namedLine(line).trim()));
    assert.ok(isNamed('  y = 2', 'y = 2') && !isNamed('  y = 2', 'y = 3'));
  });
});
