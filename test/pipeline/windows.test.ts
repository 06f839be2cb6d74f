/** Windows cover a file, overlap, keep to their limits and begin where definitions begin. */
import assert from 'node:assert/strict';
import type { Tokenizer } from '../../model/tokenizer.js';
import { locationOf } from '../../pipeline/analysis.js';
import { definitionStyle } from '../../pipeline/definitions.js';
import { SourceFile } from '../../pipeline/source-file.js';
import { cutIntoWindows, fitToTokens, viewsOf } from '../../pipeline/windows.js';
import { tinyVocabulary } from '../constraints/tiny-vocabulary.js';

const LIMITS = { maxLines: 40, maxTokens: 2000 };

/** A class with methods of seven lines each, as Python. */
const METHODS = Array.from({ length: 60 }, (_, index) =>
  [
    '    @cached',
    `    def method_${index}(self, value):`,
    '        if value:',
    `            value = value + ${index}`,
    '        for item in value:',
    '            print(item)',
    '        return value',
    '',
  ].join('\n'),
);

describe('windows', () => {
  let tokenizer: Tokenizer;
  const file = SourceFile.parse('pkg/big.py', `import os\n\nclass Big:\n${METHODS.join('\n')}\n`)!;

  before(async () => {
    ({ tokenizer } = await tinyVocabulary());
  });

  it('cover every line, overlap or touch, and keep to the limits', () => {
    const windows = cutIntoWindows(file, LIMITS, tokenizer);
    let covered = 0;
    for (const window of windows) {
      assert.ok(window.start <= covered && window.end > covered);
      assert.ok(window.end - window.start <= LIMITS.maxLines);
      covered = window.end;
    }
    assert.equal(covered, file.lines.length);
  });

  it('begin at a definition with its decorators and name the one above', () => {
    const [, second, third] = cutIntoWindows(file, LIMITS, tokenizer);
    assert.equal(file.view(second!.start), '    @cached');
    assert.match(second!.heading, /^def method_\d+\(self, value\):$/);
    assert.ok(third!.start < second!.end, 'they overlap');
  });

  it('hold every method whole in some window', () => {
    const windows = cutIntoWindows(file, LIMITS, tokenizer);
    file.lines.forEach((line, index) => {
      if (!line.includes('def method_')) return;
      assert.ok(
        windows.some(({ start, end }) => start < index && index + 6 <= end),
        line,
      );
    });
  });

  it('are none for an empty file, one for a short one, and skip lines that do not fit', () => {
    const cut = (text: string) =>
      cutIntoWindows(SourceFile.parse('a.py', text)!, { maxLines: 10, maxTokens: 50 }, tokenizer);
    assert.deepEqual(cut(''), []);
    assert.equal(cut('a = 1\nb = 2').length, 1);
    const windows = cut(`a\n${'🎉'.repeat(100)}\nb\n`);
    assert.deepEqual(
      windows.map(({ start, end }) => [start, end]),
      [
        [0, 1],
        [2, 3],
      ],
    );
  });

  it('are cut at the end to fit, whatever was planned', () => {
    const window = { file, start: 0, end: 40, heading: '' };
    const fitted = fitToTokens(window, 100, tokenizer);
    assert.ok(fitted && fitted.tokens.length <= 100 && fitted.window.end < 40);
    assert.equal(tokenizer.decode(fitted.tokens), viewsOf(fitted.window).join('\n') + '\n');
    assert.equal(fitToTokens({ ...window, start: 3 }, 3, tokenizer), undefined);
  });

  it('of a file with 10,000 equal lines are quickly made', () => {
    const long = SourceFile.parse('a.py', 'x = 1\n'.repeat(10_000))!;
    const started = performance.now();
    const windows = cutIntoWindows(long, LIMITS, tokenizer);
    assert.ok(windows.length >= 250 && windows.every(({ end, start }) => end - start === 40));
    assert.ok(performance.now() - started < 3000);
  });
});

describe('definitions', () => {
  it('are recognised in common languages', () => {
    const names: readonly (readonly [string, string, string | undefined])[] = [
      ['a.py', '    async def load(self):', 'load'],
      ['a.py', 'class Reader(Base):', 'Reader'],
      ['a.py', 'define = 3', undefined],
      ['a.py', 'def größe(x):', 'größe'],
      ['a.py', 'class Żaba:', 'Żaba'],
      ['a.py', 'classé = 1', undefined],
      ['a.py', 'class', ''],
      ['a.js', 'export async function parseDate(text) {', 'parseDate'],
      ['a.ts', '  private static readAll(path: string): string[] {', 'readAll'],
      ['a.go', 'func (s *Server) Serve(l net.Listener) error {', 'Serve'],
      ['a.rs', 'pub(crate) fn parse<T>(input: &str) -> T {', 'parse'],
      ['a.rs', 'impl Display for Point {', 'Display'],
      ['a.java', '    public static <T> List<T> sorted(List<T> in) {', 'sorted'],
      ['a.c', 'static int *find_key(struct map *m, int key)', 'find_key'],
      ['a.c', 'int main(void) {', 'main'],
      ['a.c', '    return call(x);', undefined],
      ['a.rb', 'module Tools', 'Tools'],
    ];
    for (const [path, line, name] of names) assert.equal(definitionStyle(path).nameOf(line), name, line);
  });

  it('name the place of a line', () => {
    const text = [
      'import x',
      'class A:',
      '    def f(self):',
      '        try:',
      '            g()',
      '        # note',
      '    def h(self):',
      '        pass',
      'y = 1',
    ];
    const file = SourceFile.parse('d/m.py', text.join('\n'))!;
    const window = { file, start: 0, end: text.length, heading: '' };
    const places = text.map((_, index) => locationOf(window, text, index));
    assert.deepEqual(
      places.map((place) => place.replace('m.py::', '')),
      ['<module>', 'A', 'f', 'f', 'f', 'f', 'h', 'h', '<module>'],
    );
    const inside = { ...window, start: 3, heading: 'def f(self):' };
    assert.equal(locationOf(inside, viewsOf(inside), 1), 'm.py::f');
  });
});
