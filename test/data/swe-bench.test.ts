// SWE-bench's rows go to the part that the split names by their id, and become rows that the trainer takes.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { readConfig } from '../../model/config.js';
import { loadTokenizer } from '../../model/tokenizer.js';
import { unifiedDiff } from '../../pipeline/unified-diff.js';
import { readSweBench } from '../../training/data/swe-bench.js';
import { readRows } from '../../training/finetune/rows.js';
import { ROOT, TINY_DIRECTORY } from '../helpers/tiny.js';

describe('rows of SWE-bench', () => {
  let folder: string;
  const inFolder = (name: string): string => path.join(folder, name);
  const CODE = 'def size(items):\n    return len(items) - 1\n';

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'swe-bench-'));
    const raw = ['a__a-1', 'a__a-2', 'b__b-3', 'b__b-4'].map((instance_id, at) => ({
      instance_id,
      repo: 'a/a',
      problem_statement: `size ${at} is one too small\nFor every list.`,
      hints_text: '',
      patch: unifiedDiff('lib/size.py', CODE, CODE.replace(' - 1', '')),
    }));
    await writeFile(inFolder('raw.jsonl'), raw.map((row) => JSON.stringify(row)).join('\n'));
    await split('rows.json', [
      ['b__b-3', 'test'],
      ['a__a-1', 'train'],
      ['a__a-2', 'adapt'],
    ]);
  });
  after(() => rm(folder, { recursive: true }));

  const split = (name: string, parts: [string, string][]): Promise<void> =>
    writeFile(
      inFolder(name),
      JSON.stringify(parts.map(([instance_id, part]) => ({ instance_id, split: part, input: 'x' }))),
    );

  it('are split by their ids, and the trainer takes them', async () => {
    const program = path.join(ROOT, 'dist/training/data/main.js');
    const files = ['--split', inFolder('rows.json'), '--raw', inFolder('raw.jsonl')];
    const { stdout } = await promisify(execFile)(process.execPath, [
      program,
      'swe-bench',
      ...files,
      '--out',
      inFolder('out'),
    ]);
    assert.match(stdout, /1 rows: .*train\.jsonl\n1 rows: .*adapt\.jsonl\n1 rows: .*test\.jsonl/);
    const config = await readConfig(TINY_DIRECTORY);
    const tokenizer = await loadTokenizer(path.join(TINY_DIRECTORY, config.files.tokenizer), config);
    const test = await readRows(inFolder('out/test.jsonl'), config, tokenizer);
    assert.deepEqual(
      test.rows.map(({ group }) => group),
      ['b__b-3'],
    );
    assert.match(await readFile(inFolder('out/train.jsonl'), 'utf8'), /"instance_id":"a__a-1"/);
  });

  it('are read compressed', async function () {
    if (spawnSync('xz', ['--version']).status !== 0) this.skip();
    await promisify(execFile)('xz', ['-k', inFolder('raw.jsonl')]);
    const parts = await readSweBench(inFolder('rows.json'), inFolder('raw.jsonl.xz'));
    assert.deepEqual(
      Object.values(parts).map((rows) => rows.map(({ instance_id }) => instance_id)),
      [['a__a-1'], ['a__a-2'], ['b__b-3']],
    );
  });

  it('are refused where a split mixes its parts, or an id has no row', async () => {
    await split('twice.json', [
      ['a__a-1', 'train'],
      ['a__a-1', 'test'],
    ]);
    await split('unknown.json', [['c__c-9', 'test']]);
    for (const file of ['twice.json', 'unknown.json']) {
      await assert.rejects(readSweBench(inFolder(file), inFolder('raw.jsonl')), { code: 'rows_unreadable' }, file);
    }
    await assert.rejects(readSweBench(inFolder('none.json'), inFolder('raw.jsonl')), { code: 'rows_unreadable' });
  });
});
