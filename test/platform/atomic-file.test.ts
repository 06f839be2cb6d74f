import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../../platform/atomic-file.js';

describe('a file written whole or not at all', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'agentic-atomic-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('replaces the old contents and leaves nothing beside', async () => {
    const file = join(folder, 'a.json');
    await writeFileAtomic(file, 'old');
    await writeFileAtomic(file, Buffer.from('new'), 0o600);
    assert.equal(await readFile(file, 'utf8'), 'new');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(folder), ['a.json']);
  });

  it('removes the temporary file when the name cannot be taken', async () => {
    await mkdir(join(folder, 'taken', 'inside'), { recursive: true });
    await assert.rejects(writeFileAtomic(join(folder, 'taken'), 'x'), { code: /EISDIR|ENOTEMPTY|EEXIST/ });
    assert.deepEqual(await readdir(folder), ['taken']);
  });

  it('says what the file system says when the folder is missing', async () => {
    await assert.rejects(writeFileAtomic(join(folder, 'no', 'a.json'), 'x'), { code: 'ENOENT' });
  });
});
