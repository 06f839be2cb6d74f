// Proves: what users said about answers becomes the rows that the training takes, with the patches that were right.
import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readConfig } from '../../model/config.js';
import { loadTokenizer } from '../../model/tokenizer.js';
import { environmentWith, packageRoot } from '../../server/config.js';
import { FeedbackStore, type FeedbackBody } from '../../server/feedback/store.js';
import { readRows } from '../../training/finetune/rows.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { body, result } from '../server/helpers.js';

const run = promisify(execFile);
const correction =
  '--- a/shop/pages.py\n+++ b/shop/pages.py\n@@ -2,1 +2,1 @@\n-    return len(items) // size\n+    return 1\n';

describe('agentic-seq2seq feedback export', () => {
  let folder: string;
  let out: string;
  const exportRows = (kept = join(folder, 'kept')): Promise<{ stdout: string }> =>
    run(process.execPath, [join(packageRoot, 'dist/cli/main.js'), 'feedback', 'export', '--out', out], {
      env: environmentWith({ FEEDBACK_DIR: kept }),
    });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'export-'));
    out = join(folder, 'rows.jsonl');
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function keep(verdicts: readonly (FeedbackBody | undefined)[]): Promise<void> {
    let now = Date.now();
    const store = await FeedbackStore.open({ folder: join(folder, 'kept'), days: 1, maxBytes: 2 ** 20 }, () => now++);
    for (const [index, verdict] of verdicts.entries()) {
      const issue = { title: body.issue.title, body: `Number ${index}` };
      const answer = { id: `${9 - index}`, release: 'r', issue, files: body.files, patches: result.patches };
      await store.remember(answer, []);
      if (verdict) await store.judge(answer.id, verdict);
    }
    await store.close();
  }

  it('writes accepted patches and corrections, oldest first, as the training reads them; counts the rest', async () => {
    await keep([
      { verdict: 'accepted' },
      { verdict: 'rejected' },
      { verdict: 'corrected', diff: correction },
      undefined,
    ]);
    const { stdout } = await exportRows();
    assert.deepEqual(JSON.parse(stdout), { rows: 2, accepted: 1, rejected: 1, corrected: 1, without_verdict: 1 });
    assert.deepEqual((await readdir(folder)).sort(), ['kept', 'rows.jsonl']);
    const lines = (await readFile(out, 'utf8')).trim().split('\n');
    const rows = lines.map((line) => JSON.parse(line) as { issue: { body: string }; patch: string });
    assert.deepEqual(
      rows.map(({ issue }) => issue.body),
      ['Number 0', 'Number 2'],
    );
    assert.deepEqual(
      rows.map(({ patch }) => patch),
      [result.patches[0]?.diff, correction],
    );
    const config = await readConfig(TINY_DIRECTORY);
    const read = await readRows(out, config, await loadTokenizer(join(TINY_DIRECTORY, 'tokenizer.model'), config));
    assert.deepEqual(read.dropped, []);
    // The correction has none of its own: it is derived from the edit.
    assert.ok(read.rows.every(({ analysisIds }) => analysisIds.length > 0));
  });

  it('says what is wrong: no folder, a damaged record', async () => {
    await assert.rejects(exportRows(''), { code: 2, stderr: 'FEEDBACK_DIR is not set.\n' });
    await keep([undefined]);
    await writeFile(join(folder, 'kept', 'x.json'), '{');
    await assert.rejects(exportRows(), (error: { code: number; stderr: string }) => {
      assert.equal(error.code, 1);
      assert.match(error.stderr, /x\.json is damaged/);
      return true;
    });
  });
});
