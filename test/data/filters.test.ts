// Messages are cleaned and edits chosen by the rules that made the backbone's data; other languages have theirs.
import assert from 'node:assert/strict';
import { SourceFile } from '../../pipeline/source-file.js';
import { SyntaxChecker } from '../../pipeline/syntax.js';
import { isBot, issueOfMessage, isUpkeep } from '../../training/data/commit-message.js';
import { usefulEdits, type EditFault } from '../../training/data/edit-filter.js';
import { isOwnSource } from '../../training/data/source-language.js';
import { readDataRows, toLineEdits } from './data-rows.js';

/** The names of the Python side. */
const REASONS: Readonly<Record<string, EditFault>> = {
  imports: 'imports',
  formatting: 'formatting',
  'comments and docstrings': 'comments',
};

describe('filters of mining', () => {
  const { rows, messages } = readDataRows();
  let checker: SyntaxChecker;

  before(async () => {
    checker = await SyntaxChecker.load();
  });
  after(() => {
    checker.dispose();
  });

  /** What becomes of replacing some lines of a file. */
  function judge(path: string, before: string, start: number, deleted: number, ...added: string[]): string {
    const file = SourceFile.parse(path, before)!;
    const lines = before.split('\n').slice(0, -1);
    const useful = usefulEdits(file, lines, [{ start, deleted, added }], checker);
    return typeof useful === 'string' ? useful : 'kept';
  }

  it('clean messages as the Python side does', () => {
    for (const { text, title, body, upkeep } of messages) {
      assert.deepEqual(issueOfMessage(text), { title, body });
      assert.equal(isUpkeep(title), upkeep, title);
    }
  });

  it('keep the edits that the Python side keeps', () => {
    for (const { lines, edits, kept, reason } of rows) {
      const file = SourceFile.parse('shop/basket.py', lines.map((line) => `${line}\n`).join(''))!;
      const useful = usefulEdits(file, lines, toLineEdits(edits), checker);
      assert.deepEqual(useful, reason === '' ? toLineEdits(kept) : REASONS[reason]);
    }
  });

  it('see through layout and comments in other languages', () => {
    const code = 'int add(int a, int b) {\n  /* sums\n     two */\n  return a + b; // sum\n}\n';
    assert.equal(judge('sum.c', code, 3, 1, '  return a - b;'), 'kept');
    assert.equal(judge('sum.c', code, 3, 1, '    return a+b;'), 'formatting');
    assert.equal(judge('sum.c', code, 3, 1, '  return a', '    + b; /* all'), 'formatting');
    assert.equal(judge('sum.c', code, 2, 1, '     numbers */'), 'comments');
    assert.equal(judge('sum.c', code, 0, 0, '#include <math.h>'), 'imports');
    assert.equal(judge('sum.ts', 'const a = "x";\n', 0, 1, "const a = 'x';"), 'formatting');
    assert.equal(judge('sum.c', "char a = 'x';\n", 0, 1, 'char a = "x";'), 'kept');
    assert.equal(judge('sum.rb', '# sums\nputs 1\n', 0, 1, '# adds'), 'comments');
  });

  it('mind indentation in Python only', () => {
    assert.equal(judge('a.py', 'if a:\n    b()\n    c()\n', 2, 1, 'c()'), 'kept');
    assert.equal(judge('a.js', 'if (a)\n    b()\n    c()\n', 2, 1, 'c()'), 'formatting');
  });

  it('drop what is too large or no text', () => {
    const long = 'x = 1\n'.repeat(151);
    assert.equal(judge('a.py', long, 0, 1, 'x = 2'), 'large_edit');
    assert.equal(judge('a.py', 'x = 1\n', 1, 0, ...Array.from({ length: 31 }, (_, n) => `y = ${n}`)), 'large_edit');
    assert.equal(judge('a.py', 'x = 1\n', 0, 1, `x = ${'9'.repeat(200)}`), 'long_lines');
    assert.equal(judge('a.py', 'x = 1\n', 0, 1, 'x = "\ufffd"'), 'encoding');
  });

  it('tell the project’s own sources from tests, documents and copies, and people from programs', () => {
    for (const path of ['lib/sum.py', 'packages/core/src/sum.ts', 'contest.py']) assert(isOwnSource(path), path);
    for (const path of [
      'tests/a.py',
      'a/test_b.py',
      'src/a.test.ts',
      'a/b_test.go',
      'docs/conf.py',
      'node_modules/a.js',
    ]) {
      assert(!isOwnSource(path), path);
    }
    assert(isBot('dependabot[bot] <support@github.com>') && isBot('Renovate Bot <renovate@whitesource.com>'));
    assert(!isBot('Abbot Costello <abbot@example.org>'));
  });
});
