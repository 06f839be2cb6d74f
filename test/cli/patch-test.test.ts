// Proves: `patch --test` proposes the first patch that passes, says why others do not, and leaves the folder and no trace.
import { strict as assert } from 'node:assert';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { watch } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProposedPatch } from '../../pipeline/types.js';
import { environmentWith, packageRoot } from '../../server/config.js';
import { body, result, serve, type TestServer } from '../server/helpers.js';

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('patch --test', () => {
  let folder: string;
  let repo: string;
  let scratch: string;
  let server: TestServer;
  const [file] = body.files;
  const path = file?.path ?? '';
  const right = result.patches[0]!;
  const patchTo = (code: string): ProposedPatch => ({
    ...right,
    diff: right.diff.replace('-(-len(items) // size)', code),
  });
  /** Passes with the right patch only, and writes into the folder it runs in. */
  const test = `touch trace && python3 -c 'import shop.pages as p; n = p.page_count(range(21), 10); assert n == 3, f"got {n}"'`;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'agentic-seq2seq-'));
    repo = join(folder, 'repo');
    scratch = join(folder, 'scratch');
    await mkdir(scratch);
    await mkdir(join(repo, 'shop'), { recursive: true });
    await writeFile(join(repo, path), file?.content ?? '');
    await writeFile(join(folder, 'issue.md'), `${body.issue.title}\n\n${body.issue.body}\n`);
    server = await serve();
    const patches = [patchTo('len(items) / size'), { ...right, status: 'syntax_error' as const }, right, right];
    server.host.behaviour = () => Promise.resolve({ ...result, patches });
  });
  afterEach(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  const start = (...args: string[]): ChildProcessWithoutNullStreams =>
    spawn(
      process.execPath,
      [
        join(packageRoot, 'dist/cli/main.js'),
        ...['patch', '--issue', 'issue.md', '--repo', 'repo', '--server', server.url],
        ...args,
      ],
      { env: environmentWith({ TMPDIR: scratch }), cwd: folder },
    );
  const finish = (child: ChildProcessWithoutNullStreams): Promise<Outcome> =>
    new Promise((resolve) => {
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      child.once('close', (code) => {
        resolve({ code, stdout, stderr });
      });
    });
  const patch = (...args: string[]): Promise<Outcome> => finish(start(...args));
  /** What the folder and the place for temporary files hold. */
  const files = async (): Promise<string[]> => [
    ...(await readdir(repo, { recursive: true })).sort(),
    ...(await readdir(scratch)),
    await readFile(join(repo, path), 'utf8'),
  ];
  const untouched = ['shop', path, file?.content];

  it('proposes the first that passes and says how those before it failed', async () => {
    const { code, stdout, stderr } = await patch('--test', test);
    assert.equal(code, 0);
    assert.match(stdout, /\nPatch 3 of 4, score [^]*\+ {4}return -\(-len\(items\) \/\/ size\)\n$/);
    assert.doesNotMatch(stdout, /Patch 1/);
    assert.match(stderr, /^Patch 1 of 4: the test fails \(exit code 1\)\n[^]* {2}AssertionError: got 2\.1\n/);
    assert.match(stderr, /\nPatch 2 of 4: the result does not parse, [^\n]*\nPatch 3 of 4: the test passes\n$/);
    assert.deepEqual(await files(), untouched);
    assert.equal(server.host.requests[0]?.n, 8);
    assert.equal(server.host.requests[0].min_score, 0, 'what scores low is tested, too');
  });

  it('applies it when asked, and gives all outcomes as JSON', async () => {
    const { code, stdout } = await patch('--test', test, '--apply', '--json', '-n', '4');
    assert.equal(code, 0);
    const answer = JSON.parse(stdout) as { applied: boolean; tests: { ended: string; exit_code: number | null }[] };
    assert.equal(answer.applied, true);
    assert.deepEqual(
      answer.tests.map(({ ended, exit_code }) => [ended, exit_code]),
      [
        ['failed', 1],
        ['does_not_parse', null],
        ['passed', 0],
      ],
    );
    const patched = 'def page_count(items, size):\n    return -(-len(items) // size)\n';
    assert.deepEqual(await files(), ['shop', path, patched]);
    assert.equal(server.host.requests[0]?.n, 4);
  });

  it('exit 5: none passes; nothing is applied', async () => {
    const { code, stdout, stderr } = await patch('--test', 'false', '--apply');
    assert.equal(code, 5);
    assert.match(stdout, /Patch 1 of 4[^]*Patch 4 of 4/);
    assert.match(stderr, /Patch 4 of 4: the test fails \(exit code 1\)\n$/);
    assert.deepEqual(await files(), untouched);
  });

  it('stops a test that takes too long', async () => {
    server.host.behaviour = () => Promise.resolve(result);
    const { code, stderr } = await patch('--test', 'while :; do :; done', '--test-timeout', '1');
    assert.equal(code, 5);
    assert.match(stderr, /the test takes too long/);
    assert.deepEqual(await files(), untouched);
  });

  it('gives a test no more memory than allowed', async () => {
    server.host.behaviour = () => Promise.resolve(result);
    const { code, stderr } = await patch('--test', 'python3 -c "bytearray(2**30)"', '--test-memory', '256');
    assert.equal(code, 5);
    assert.match(stderr, /MemoryError/);
  });

  it('exit 2: the test cannot be run', async () => {
    const missing = await patch('--test', 'no-such-program-anywhere');
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /--test: the command cannot be run: .*no-such-program-anywhere/);
    const empty = await patch('--test', ' ');
    assert.deepEqual([empty.code, empty.stderr], [2, '--test: the command is empty.\n']);
    assert.deepEqual(await files(), untouched);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`exit 130: ${signal} ends the test and leaves nothing behind`, async () => {
      const started = new Promise<void>((resolve) => {
        const watcher = watch(folder, (_event, name) => {
          if (name !== 'pid') return;
          watcher.close();
          resolve();
        });
      });
      // Written aside and renamed, so that the file is whole when it is seen.
      const child = start('--test', `echo $$ > ${folder}/part; mv ${folder}/part ${folder}/pid; while :; do :; done`);
      const finished = finish(child);
      await started;
      child.kill(signal);
      assert.equal((await finished).code, 130);
      const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
      assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
      assert.deepEqual(await files(), untouched);
    });
  }
});
