/** Edits keep what they do not touch: line ends, byte order mark, a missing last newline, the end of long lines. */
import assert from 'node:assert/strict';
import { applyEdits, normalisedText, type LineEdit } from '../../pipeline/edits.js';
import { SourceFile } from '../../pipeline/source-file.js';
import { unifiedDiff } from '../../pipeline/unified-diff.js';

function edited(content: string, ...edits: LineEdit[]): string {
  const file = SourceFile.parse('a.py', content);
  assert.ok(file);
  return applyEdits(file, edits);
}

const replace = (start: number, ...added: string[]): LineEdit => ({ start, deleted: 1, added });
const insert = (start: number, ...added: string[]): LineEdit => ({ start, deleted: 0, added });
const remove = (start: number, deleted = 1): LineEdit => ({ start, deleted, added: [] });

describe('source file', () => {
  it('is its lines, byte for byte', () => {
    for (const content of ['', '\n', 'a', 'a\nb', 'a\r\nb\r\n', '\ufeffa\n\n', 'a\rb\n\r\n', 'a\u2028b\fc\n']) {
      const file = SourceFile.parse('a', Buffer.from(content));
      assert.equal(file && file.byteOrderMark + file.lines.join(''), content, JSON.stringify(content));
    }
  });

  it('refuses what is no text', () => {
    assert.equal(SourceFile.parse('a', 'a\0b'), undefined);
    assert.equal(SourceFile.parse('a', Uint8Array.of(0xff, 0xfe, 0x41)), undefined);
  });

  it('shows lines without their ends, cut after 240 characters', () => {
    const file = SourceFile.parse('a', `\ufeffone\r\n${'🎉'.repeat(241)}\nx\ry\n`)!;
    assert.equal(file.view(0), 'one');
    assert.equal(file.view(1), '🎉'.repeat(240));
    assert.equal(file.hiddenRest(1), '🎉');
    assert.equal(file.view(2), 'x\ry');
  });
});

describe('edits', () => {
  it('give added lines the usual line end of the file', () => {
    assert.equal(edited('a\r\nb\r\nc\n', replace(1, 'B', 'C')), 'a\r\nB\r\nC\r\nc\n');
    assert.equal(edited('a\nb\n', insert(1, 'x')), 'a\nx\nb\n');
  });

  it('keep a missing newline at the end missing', () => {
    assert.equal(edited('a\nb', replace(1, 'c')), 'a\nc');
    assert.equal(edited('a\nb', insert(2, 'c')), 'a\nb\nc');
    assert.equal(edited('a\nb', replace(0, 'c')), 'c\nb');
    assert.equal(edited('a', replace(0, 'b', 'c')), 'b\nc');
  });

  it('leave the last line as it is when those after it go', () => {
    assert.equal(edited('a\nb', remove(1)), 'a\n');
    assert.equal(edited('a\nb\n', remove(0, 2)), '');
  });

  it('keep the byte order mark in front', () => {
    assert.equal(edited('\ufeffa\nb\n', remove(0)), '\ufeffb\n');
    assert.equal(edited('\ufeffa\n', insert(0, 'x')), '\ufeffx\na\n');
  });

  it('keep the unseen rest of a long line that is typed again', () => {
    const long = `${'a, '.repeat(79)}end,${'b'.repeat(50)}`;
    const retyped = `x = ${long.slice(0, 240)}`;
    assert.equal(edited(`${long}\nz\n`, replace(0, retyped)), `x = ${long}\nz\n`);
    assert.equal(edited(`${long}\nz\n`, replace(0, 'short')), 'short\nz\n');
  });

  it('of several hunks are applied in order', () => {
    assert.equal(edited('a\nb\nc\nd\n', insert(0, '0'), remove(1), replace(3, 'D')), '0\na\nc\nD\n');
  });

  it('have a normal form without blank lines and spaces at line ends', () => {
    assert.equal(normalisedText('a  \n\n\t\nb\n'), normalisedText('a\nb'));
    assert.notEqual(normalisedText('  a'), normalisedText('a'));
  });
});

describe('unified diff', () => {
  it('is in the format of git', () => {
    assert.equal(
      unifiedDiff('d/a.py', 'one\ntwo\nthree', 'one\n2\nthree'),
      [
        'diff --git a/d/a.py b/d/a.py',
        '--- a/d/a.py',
        '+++ b/d/a.py',
        '@@ -1,3 +1,3 @@',
        ' one',
        '-two',
        '+2',
        ' three',
        '\\ No newline at end of file',
        '',
      ].join('\n'),
    );
    assert.equal(unifiedDiff('a', 'x\n', 'x\n'), '');
  });

  it('of a long file is small and quickly made', () => {
    const lines = Array.from({ length: 50_000 }, (_, index) => `line ${index % 100}\n`);
    const started = performance.now();
    const diff = unifiedDiff('a', lines.join(''), lines.with(30_000, 'changed\n').join(''));
    assert.equal(diff.split('\n').length, 13);
    assert.ok(performance.now() - started < 5000);
  });
});
