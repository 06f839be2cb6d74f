// Proves: a file is taken by its path only as a whole: one that is written to meanwhile is refused and leaves nothing behind.
import { strict as assert } from 'node:assert';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyFromRoot } from '../../server/releases/intake.js';

const BYTES = 8 * 2 ** 20;

describe('a file by its path', () => {
  let folder: string;
  let copy: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'intake-'));
    copy = join(folder, 'copy');
    await writeFile(join(folder, 'agent'), Buffer.alloc(BYTES, 1));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is copied byte for byte', async () => {
    await copyFromRoot(folder, 'agent', copy, BYTES);
    assert.deepEqual(await readFile(copy), await readFile(join(folder, 'agent')));
  });

  it('is refused when it is written to while it is read', async () => {
    let isOver = false;
    const copying = copyFromRoot(folder, 'agent', copy, 2 * BYTES).finally(() => (isOver = true));
    const write = async (): Promise<void> => {
      while (!isOver) await appendFile(join(folder, 'agent'), 'x');
    };
    await Promise.all([write(), assert.rejects(copying, { code: 'agent_file_changed' })]);
    assert.deepEqual(await readdir(folder), ['agent']);
  });
});
