/** The windows that an issue is about are found by its words, its emphasis and the places it names. */
import assert from 'node:assert/strict';
import { codeTerms, emphasisedTerms, namedPlaces } from '../../pipeline/code-terms.js';
import { findWindows, rankFiles, selectWindows } from '../../pipeline/retrieval.js';
import { SourceFile } from '../../pipeline/source-file.js';
import type { CodeWindow } from '../../pipeline/windows.js';

function windowOf(path: string, text: string, start = 0, length = text.split('\n').length): CodeWindow {
  return { file: SourceFile.parse(path, text)!, start, end: start + length, heading: '' };
}

const DATES = 'def parse_http_date(text):\n    months = {}\n    return months[text]';
const USERS = 'class UserStore:\n    def addUser(self, name):\n        self.users.append(name)';
const CLI = 'def main(argv):\n    parser = make_parser()\n    return run(parser, argv)';

describe('terms of code', () => {
  it('are identifiers and their parts, plurals as singulars', () => {
    assert.deepEqual(codeTerms('parseHTTPDates(user_name)'), [
      'parsehttpdate',
      'parse',
      'http',
      'date',
      'user_name',
      'user',
      'name',
    ]);
    assert.deepEqual(codeTerms('entries of a class'), ['entry', 'of', 'class']);
  });

  it('set apart by the author are known', () => {
    const terms = emphasisedTerms('The `retry limit` of getUser and load_file is wrong; call run() "slow path".');
    for (const term of ['retry', 'limit', 'getuser', 'load_file', 'run', 'slow']) assert.ok(terms.has(term), term);
    assert.ok(!terms.has('wrong'));
  });

  it('do not take long on hostile text', () => {
    const started = performance.now();
    for (const text of [
      'a'.repeat(20_000),
      'a_'.repeat(10_000),
      '/a.'.repeat(7000),
      '`'.repeat(20_000),
      '("'.repeat(10_000),
    ]) {
      codeTerms(text);
      emphasisedTerms(text);
      namedPlaces(text);
    }
    assert.ok(performance.now() - started < 1500);
  });

  it('include the places of tracebacks and compilers', () => {
    const text = 'Traceback:\n  File "/usr/lib/app/store.py", line 12, in addUser\nsee src/main.c:7: error';
    assert.deepEqual(namedPlaces(text), [
      { path: '/usr/lib/app/store.py', line: 12, name: 'addUser' },
      { path: 'src/main.c', line: 7, name: undefined },
    ]);
  });
});

describe('retrieval', () => {
  const windows = [windowOf('app/dates.py', DATES), windowOf('app/store.py', USERS), windowOf('cli.py', CLI)];
  const best = (title: string, body = '') => findWindows({ title, body }, windows)[0]!.window.file.path;

  it('finds code by words, parts of names and paths', () => {
    assert.equal(best('Parsing an HTTP date fails'), 'app/dates.py');
    assert.equal(best('add user twice gives two users'), 'app/store.py');
    assert.equal(best('cli: wrong exit code'), 'cli.py');
  });

  it('prefers the last known place of a traceback', () => {
    const body = [
      'File "/site-packages/cli.py", line 3, in main',
      'File "/site-packages/app/store.py", line 2, in addUser',
      'File "/usr/lib/json.py", line 1, in loads',
    ].join('\n');
    assert.equal(best('Parsing an HTTP date fails', body), 'app/store.py');
  });

  it('gives every window, also without any common word', () => {
    const found = findWindows({ title: 'zzz', body: '' }, windows);
    assert.equal(found.length, 3);
    assert.ok(found.every(({ score }) => score === 0));
    assert.deepEqual(rankFiles(found), []);
    assert.equal(selectWindows(found, 2, 0.3).length, 2);
  });

  it('selects windows that show different code', () => {
    const lines = Array.from({ length: 60 }, (_, index) => `parse_date(${index})`).join('\n');
    const file = windowOf('a.py', lines).file;
    const at = (start: number): CodeWindow => ({ file, start, end: start + 30, heading: '' });
    const chosen = selectWindows(findWindows({ title: 'parse date', body: '' }, [at(0), at(5), at(30)]), 3, 0.3);
    assert.deepEqual(
      chosen.map(({ window }) => window.start).sort((a, b) => a - b),
      [0, 30],
    );
  });
});
