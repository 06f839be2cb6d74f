// Proves: a patch is applied to exactly the given folder, whole or not at all, whatever the user's git is set to.
import { strict as assert } from 'node:assert';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyPatch, checkPatch, git } from '../../cli/git.js';

const diff = 'diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n';

describe('git', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'agentic-seq2seq-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('applies outside of a repository', async () => {
    await writeFile(join(folder, 'x.py'), 'a\nb\n');
    assert.equal(await checkPatch(folder, diff), undefined);
    await applyPatch(folder, diff);
    assert.equal(await readFile(join(folder, 'x.py'), 'utf8'), 'a\nc\n');
  });

  it('applies in a folder of a larger repository, where git alone would skip it in silence', async () => {
    await git(folder, ['init', '--quiet']);
    const inner = join(folder, 'inner');
    await mkdir(inner);
    await writeFile(join(inner, 'x.py'), 'a\nb\n');
    await applyPatch(inner, diff);
    assert.equal(await readFile(join(inner, 'x.py'), 'utf8'), 'a\nc\n');
  });

  it('keeps line ends, also when git is told to convert them', async () => {
    await git(folder, ['init', '--quiet']);
    await git(folder, ['config', 'core.autocrlf', 'true']);
    await writeFile(join(folder, 'x.py'), 'a\r\nb\r\n');
    await applyPatch(folder, diff.replace(' a\n-b\n+c\n', ' a\r\n-b\r\n+c\r\n'));
    assert.equal(await readFile(join(folder, 'x.py'), 'utf8'), 'a\r\nc\r\n');
  });

  it('changes nothing when a part does not fit', async () => {
    await writeFile(join(folder, 'x.py'), 'a\nb\n');
    await writeFile(join(folder, 'y.py'), 'other\n');
    await assert.rejects(applyPatch(folder, diff + diff.replaceAll('x.py', 'y.py')), { exitCode: 4 });
    assert.equal(await readFile(join(folder, 'x.py'), 'utf8'), 'a\nb\n');
    assert.match((await checkPatch(folder, diff.replaceAll('x.py', 'y.py'))) ?? '', /y\.py/);
  });
});
