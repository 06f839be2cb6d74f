// Proves: of a repository the source files are read, and nothing that has no business in a request.
import { strict as assert } from 'node:assert';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { git } from '../../cli/git.js';
import { readRepository } from '../../cli/repository-files.js';
import { isCandidate } from '../../server/source-paths.js';

describe('files of a repository', () => {
  let repo: string;
  beforeEach(async () => {
    repo = await mkdtemp(join(tmpdir(), 'agentic-seq2seq-'));
  });
  afterEach(() => rm(repo, { recursive: true, force: true }));

  const write = async (files: Record<string, string | Uint8Array>): Promise<void> => {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(repo, path)), { recursive: true });
      await writeFile(join(repo, path), content);
    }
  };
  const paths = async (includeTests = false): Promise<string[]> => {
    const { files } = await readRepository({ repo, includeTests, maxFileBytes: 1000 });
    return files.map((file) => file.path);
  };

  it('are those git tracks or would add', async () => {
    await git(repo, ['init', '--quiet']);
    await write({
      '.gitignore': 'ignored.py\n',
      'ignored.py': 'x\n',
      'tracked.py': 'x\n',
      'new.py': 'x\n',
      'pkg/ü.py': 'x\n',
      'gone.py': 'x\n',
    });
    await git(repo, ['add', 'tracked.py', 'gone.py']);
    await rm(join(repo, 'gone.py'));
    assert.deepEqual(await paths(), ['new.py', 'pkg/ü.py', 'tracked.py']);
  });

  it('are all that are not hidden where there is no git', async () => {
    await write({ 'a.py': 'x\n', 'b/c.ts': 'x\n', '.hidden/d.py': 'x\n', 'node_modules/e/e.js': 'x\n' });
    assert.deepEqual(await paths(), ['a.py', 'b/c.ts']);
  });

  it('are text, regular and not too large', async () => {
    await write({
      'good.py': 'x = "ä"\n',
      'empty.py': '',
      'binary.py': 'a\0b',
      'latin1.py': new Uint8Array([0x22, 0xe4, 0x22]),
      'large.py': 'x'.repeat(1001),
    });
    await symlink('/etc/passwd', join(repo, 'link.py'));
    assert.deepEqual(await paths(), ['good.py']);
  });

  it('are given byte for byte', async () => {
    const content = '\ufeffa\r\nb\rc\n\n\td';
    await write({ 'a.py': content });
    const { files } = await readRepository({ repo, includeTests: false, maxFileBytes: 1000 });
    assert.equal(files[0]?.content, content);
  });

  it('include tests only when asked', async () => {
    await write({ 'a.py': 'x\n', 'tests/b.py': 'x\n', 'test_c.py': 'x\n' });
    assert.deepEqual(await paths(), ['a.py']);
    assert.deepEqual(await paths(true), ['a.py', 'test_c.py', 'tests/b.py']);
  });

  it('are told by name', () => {
    for (const path of ['a.py', 'src/test.py', 'attest/x.py', 'latest.go', 'contest_a.py']) {
      assert.equal(isCandidate(path, false), true, path);
    }
    for (const path of [
      'README.md',
      'package-lock.json',
      'vendor/x.py',
      'a/node_modules/x.js',
      'jquery.min.js',
      'x_pb2.py',
      'test/x.py',
      'a/__tests__/x.js',
      'x_test.go',
      'x.spec.ts',
      'conftest.py',
      'a\\b.py',
    ]) {
      assert.equal(isCandidate(path, false), false, path);
    }
  });
});
