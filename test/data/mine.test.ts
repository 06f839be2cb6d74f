// A history becomes rows that the trainer takes; what is left out is named; a run that was stopped goes on.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readConfig } from '../../model/config.js';
import { loadTokenizer } from '../../model/tokenizer.js';
import type { MinedRow, MiningDrop } from '../../training/data/commit-rows.js';
import { mine, type MiningOptions } from '../../training/data/mine.js';
import { readRows } from '../../training/finetune/rows.js';
import { TestRepository } from '../helpers/repository.js';
import { ROOT, TINY_DIRECTORY } from '../helpers/tiny.js';

const CODE = '"""Sums."""\n\n\ndef add(a, b):\n    return a - b\n\n\ndef twice(a):\n    return a + a\n';
/** So much between two functions that edits of both are two hunks. */
const GAP = '\n'.repeat(90);

describe('mining a history', () => {
  let folder: string;
  let number = 0;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'mine-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const inFolder = (name: string): string => path.join(folder, name);
  const newRepository = (): TestRepository => new TestRepository(inFolder(`shop${++number}`));

  async function linesOf<Line>(name: string): Promise<Line[]> {
    const text = await readFile(inFolder(name), 'utf8');
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  }

  async function mined(
    repositories: readonly TestRepository[],
    options: Partial<MiningOptions> = {},
  ): Promise<{ rows: MinedRow[]; reasons: Record<string, string> }> {
    await mine({ repositories: repositories.map((one) => one.folder), out: inFolder('rows.jsonl'), ...options });
    const dropped = await linesOf<MiningDrop>('rows.dropped.jsonl');
    return {
      rows: await linesOf('rows.jsonl'),
      reasons: Object.fromEntries(dropped.map(({ commit, reason }) => [commit, reason])),
    };
  }

  it('gives rows with a clean issue, the file before and its diff, which the trainer takes', async () => {
    const shop = newRepository();
    shop.commit('Begin with a module for sums', { 'lib/sum.py': CODE });
    const sha = shop.commit('[lib] Adding gives a difference (#7)\n\nadd(1, 2) was -1.\n\nSigned-off-by: A <a@b>', {
      'lib/sum.py': CODE.replace('a - b', 'a + b').replace('Sums.', 'Adds.'),
      'tests/test_sum.py': 'assert add(1, 2) == 3\n',
    });
    const { rows } = await mined([shop]);
    assert.equal(rows.length, 1);
    const [row] = rows;
    assert.deepEqual(row!.issue, { title: 'Adding gives a difference', body: 'add(1, 2) was -1.' });
    assert.deepEqual(row!.files, [{ path: 'lib/sum.py', content: CODE }]);
    assert.match(row!.patch, /^- {4}return a - b\n\+ {4}return a \+ b$/m);
    assert.doesNotMatch(row!.patch, /Adds/, 'the docstring is nothing to learn');
    assert.deepEqual([row!.commit, row!.time], [sha, '2020-09-13T12:28:40.000Z']);
    const config = await readConfig(TINY_DIRECTORY);
    const tokenizer = await loadTokenizer(path.join(TINY_DIRECTORY, config.files.tokenizer), config);
    const read = await readRows(inFolder('rows.jsonl'), config, tokenizer);
    assert.deepEqual(read.dropped, []);
    assert.match(
      tokenizer.decode(read.rows[0]!.analysisIds),
      /^<\|problem\|>Adding.*<\|type\|>wrong operator<\|loc\|>sum\.py::add/,
    );
  });

  it('says of every other commit why it is left out', async () => {
    const shop = newRepository();
    const fixed = CODE.replace('a - b', 'a + b');
    const airy = CODE.replace('Sums', 'Adds').replace('a - b', 'a  -  b');
    const expected: Record<string, string> = {};
    const add = (
      reason: string,
      message: string,
      files: Parameters<TestRepository['commit']>[1],
      author?: string,
    ): void => {
      expected[shop.commit(message, files, author === undefined ? {} : { author })] = reason;
    };
    add('no_source_change', 'Begin with a module for sums', {
      'sum.py': CODE,
      'old.py': CODE + GAP + CODE,
      'data.bin': 'x',
    });
    add('no_source_change', 'Tests for the sum of two numbers', { 'tests/a.py': 'x = 1\n' });
    add('bot', 'Adding gives a difference', { 'sum.py': fixed }, 'renovate[bot]');
    add('upkeep', 'Bump version to 1.2', { 'sum.py': CODE });
    add('comments', 'Say in words what add does', { 'sum.py': CODE.replace('Sums', 'Adds') });
    add('formatting', 'Give the operator some room', {
      'sum.py': airy,
    });
    add('imports', 'Numbers need mathematics now', { 'sum.py': `import math\n${airy}` });
    add('large_commit', 'Add many numbers at once', { 'sum.py': `${'x = 1\n'.repeat(41)}${CODE}` });
    add('large_file', 'Begin with a file of data', { 'numbers.py': 'x = 1\n'.repeat(50_000) });
    expected[shop.git(['rev-parse', 'HEAD']).trim()] = 'no_source_change';
    add('large_file', 'Repair the first of the numbers', { 'numbers.py': `x = 2\n${'x = 1\n'.repeat(49_999)}` });
    add('no_source_change', 'Begin with a Latin-1 file', { 'latin.py': Buffer.from('x = "\xe9"\ny = 1\n', 'latin1') });
    add('encoding', 'Repair the number in it', { 'latin.py': Buffer.from('x = "\xe9"\ny = 2\n', 'latin1') });
    shop.git(['checkout', '--quiet', '-b', 'side']);
    add('no_source_change', 'Work at the side of it all', { 'notes.txt': 'x' });
    shop.git(['checkout', '--quiet', 'main']);
    add('no_source_change', 'Work in the middle of it all', { 'more.txt': 'x' });
    shop.git(['merge', '--quiet', '--no-edit', 'side']);
    expected[shop.git(['rev-parse', 'HEAD']).trim()] = 'merge';
    const { rows, reasons } = await mined([shop]);
    assert.deepEqual(rows, []);
    assert.deepEqual(reasons, expected);
  });

  it('makes two rows of two far places, and one of the same fix on two branches', async () => {
    const shop = newRepository();
    const wide = CODE + GAP + CODE.replaceAll('add', 'sum').replaceAll('twice', 'double');
    shop.commit('Begin with a module for sums', { 'a.py': wide, 'b.py': wide });
    const far = shop.commit('Sums are differences in two places', { 'a.py': wide.replaceAll('a - b', 'a + b') });
    const again = shop.commit('Sums are differences in the other one, too', {
      'b.py': wide.replaceAll('a - b', 'a + b'),
    });
    const { rows, reasons } = await mined([shop]);
    assert.deepEqual(
      rows.map(({ commit }) => commit),
      [far, far],
    );
    assert.deepEqual(
      rows.map(({ patch }) => patch.match(/^@@/gm)?.length),
      [1, 1],
    );
    assert.deepEqual(reasons[again], 'duplicate');
  });

  it('puts the commits of several repositories in the order of time', async () => {
    const [one, two] = [newRepository(), newRepository()];
    const edit = (shop: TestRepository, time: number): string =>
      shop.commit(`Set the time to ${time} seconds`, { 'a.js': `let time = ${time};\n` }, { time });
    edit(one, 1_000_000_000);
    edit(two, 1_000_000_000);
    const order = [
      edit(one, 1_000_000_010),
      edit(two, 1_000_000_020),
      edit(one, 1_000_000_030),
      edit(two, 1_000_000_040),
    ];
    const { rows } = await mined([two, one]);
    assert.deepEqual(
      rows.map(({ commit }) => commit),
      order,
    );
    const text = await readFile(inFolder('rows.jsonl'), 'utf8');
    await mined([two, one]);
    assert.equal(await readFile(inFolder('rows.jsonl'), 'utf8'), text, 'the same each time');
  });

  /** Many commits, each but the first an edit to learn from. */
  function longHistory(commits: number): TestRepository {
    const shop = newRepository();
    const blocks = Array.from({ length: commits + 1 }, (_, count) => {
      const [message, content] = [`Count up to the number ${count}`, `package count\n\nvar limit = ${count}\n`];
      const head = `commit refs/heads/main\ncommitter Somebody <a@example.org> ${1_600_000_000 + count} +0000\n`;
      return `${head}data ${message.length}\n${message}\nM 644 inline count.go\ndata ${content.length}\n${content}\n`;
    });
    shop.git(['fast-import', '--quiet'], { input: blocks.join('') });
    shop.git(['reset', '--quiet', '--hard']);
    return shop;
  }

  it('goes on where it was stopped, and gives the same', async () => {
    const shop = longHistory(210);
    const whole = await mined([shop]);
    assert.equal(whole.rows.length, 210);
    await rm(inFolder('rows.jsonl'));
    const interrupt = new AbortController();
    const stopped = mined([shop], {
      signal: interrupt.signal,
      onPart: (done) => {
        if (done === 1) interrupt.abort(new Error('Interrupted.'));
      },
    });
    await assert.rejects(stopped, { code: 'aborted' });
    assert(!existsSync(inFolder('rows.jsonl')), 'no file that is not whole');
    const [id] = await readdir(inFolder('rows.jsonl.parts'));
    const first = path.join(inFolder('rows.jsonl.parts'), id!, '0.json');
    // What is there is not made again.
    const part = JSON.parse(await readFile(first, 'utf8')) as { edits: { row: { issue: { title: string } } }[] };
    part.edits[0]!.row.issue.title = 'made before';
    await writeFile(first, JSON.stringify(part));
    const resumed = await mined([shop]);
    assert.equal(resumed.rows[0]!.issue.title, 'made before');
    assert.deepEqual(resumed.rows.slice(1), whole.rows.slice(1));
    assert(!existsSync(inFolder('rows.jsonl.parts')));
    shop.commit('Count up to the very last number', { 'count.go': 'package count\n\nvar limit = 999\n' });
    assert.equal((await mined([shop])).rows.length, 211, 'a new HEAD is a new history');
  });

  it('is a command that survives a kill', async () => {
    const shop = longHistory(110);
    const out = inFolder('rows.jsonl');
    const run = (repository: string): ReturnType<typeof spawn> =>
      spawn(process.execPath, [path.join(ROOT, 'dist/training/data/main.js'), 'mine', repository, '--out', out]);
    const killed = run(shop.folder);
    killed.stderr!.once('data', () => killed.kill('SIGKILL'));
    await once(killed, 'close');
    assert(!existsSync(out) || (await linesOf('rows.jsonl')).length === 110, 'no file that is not whole');
    const second = run(shop.folder);
    let output = '';
    second.stdout!.setEncoding('utf8').on('data', (text: string) => (output += text));
    assert.deepEqual(await once(second, 'close'), [0, null]);
    assert.match(output, /^110 rows, from 2020-.*\n.*\n {2}no_source_change: 1\n$/);
    assert.equal((await linesOf('rows.jsonl')).length, 110);
    assert.deepEqual(await once(run(folder), 'close'), [1, null], 'no repository');
    const usage = spawn(process.execPath, [path.join(ROOT, 'dist/training/data/main.js'), 'mine']);
    assert.deepEqual(await once(usage, 'close'), [2, null]);
  });
});
