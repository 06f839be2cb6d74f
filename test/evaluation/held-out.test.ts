import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expectedContent, isSameFile, readHeldOut } from '../../training/evaluation/held-out.js';
import { heldOutOfEdit } from '../../training/evaluation/edit-row.js';
import { readConfig } from '../../model/config.js';
import { TINY_MODEL, tinyVocabulary } from '../constraints/tiny-vocabulary.js';
import { storedRow } from './rows.js';

describe('held-out rows', () => {
  let folder: string;
  let file: string;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'held-out-'));
    file = path.join(folder, 'rows.jsonl');
    const rows = Array.from({ length: 60 }, (_, index) =>
      storedRow(index % 3 === 0 ? 'commit' : 'injected: wrong sign', `f${index}`),
    );
    await writeFile(file, rows.map((row) => JSON.stringify(row).replace('{"kind":', '{"kind": ') + '\n').join(''));
  });

  after(() => rm(folder, { recursive: true }));

  it('are drawn half and half, without repetition, in the order of the file', async () => {
    const rows = await readHeldOut(file, 20, 1);
    assert.deepEqual([10, 10], [count('commit'), count('injected')]);
    const numbers = rows.map(({ issue }) => Number(/\d+/.exec(issue.title)![0]));
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].sort((a, b) => a - b),
    );
    function count(kind: string): number {
      return rows.filter((row) => row.kind === kind).length;
    }
  });

  it('are the same for the same seed and others for another', async () => {
    const titles = async (seed: number): Promise<string[]> =>
      (await readHeldOut(file, 8, seed)).map(({ issue }) => issue.title);
    assert.deepEqual(await titles(1), await titles(1));
    assert.notDeepEqual(await titles(1), await titles(2));
  });

  it('come all if there are fewer than wanted', async () => {
    assert.equal((await readHeldOut(file, 1000, 0)).length, 60);
  });

  it('give the file after the edit', async () => {
    const [row] = await readHeldOut(file, 1, 0);
    const expected = expectedContent(row!);
    assert.equal(expected, row!.content.replace('result -= item', 'result += item'));
    assert(isSameFile(expected.replaceAll('\n', '\r\n'), expected), 'line ends are not compared');
    assert(!isSameFile(row!.content, expected));
  });

  it('are made of mined edits, those of no use left out', async () => {
    const { tokenizer } = await tinyVocabulary();
    const config = await readConfig(TINY_MODEL);
    const content = 'import math\n\ndef total(a):\n    b = 0\n    return b\n';
    const patch = '--- a/x.py\n+++ b/x.py\n@@ -4,2 +4,2 @@\n-    b = 0\n+    b = a\n     return b\n';
    const edit = { issue: { title: 'total is 0' }, files: [{ path: 'x.py', content }], patch };
    const mined = path.join(folder, 'mined.jsonl');
    const useless = { ...edit, patch: patch.replaceAll('x.py', 'y.py') };
    await writeFile(mined, [useless, edit, useless].map((row) => `${JSON.stringify(row)}\n`).join(''));
    const rowOf = (value: unknown) => heldOutOfEdit(value, config, tokenizer);
    const rows = await readHeldOut(mined, 2, 0, rowOf);
    assert.equal(rows.length, 1);
    const [row] = rows;
    assert.deepEqual([row!.kind, row!.path, row!.edits], ['commit', 'x.py', [[3, 4, ['    b = a']]]]);
    assert.equal(expectedContent(row!), edit.files[0]!.content.replace('b = 0', 'b = a'));
    assert.ok(row!.sourceIds.length > 0 && row!.analysisIds.length > 0 && row!.patchIds.length > 0);
    await writeFile(mined, '{"id": 1}\n');
    await assert.rejects(readHeldOut(mined, 1, 0, rowOf), /mined\.jsonl:1 is neither a held-out row nor an edit/);
  });

  it('are refused when a line is something else', async () => {
    const wrong = path.join(folder, 'wrong.jsonl');
    await writeFile(wrong, '{"id": 1}\n');
    await assert.rejects(readHeldOut(wrong, 1, 0), /wrong\.jsonl:1 is not a held-out row/);
  });
});
