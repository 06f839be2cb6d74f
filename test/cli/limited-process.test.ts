// Proves: a program in a scratch copy is held to its limits, takes all it started with it, and leaves the folder as it was.
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canIsolate, runLimited, type RunLimits } from '../../cli/limited-process.js';
import { withScratchCopy } from '../../cli/scratch-copy.js';

describe('limited process', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'agentic-seq2seq-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const limits: RunLimits = { timeoutMs: 60_000, memoryBytes: 2 ** 30 };
  const shell = (line: string, changes: Partial<RunLimits> = {}): ReturnType<typeof runLimited> =>
    runLimited(['sh', '-c', line], { cwd: folder, temporary: folder }, { ...limits, ...changes });
  const python = (program: string, changes: Partial<RunLimits> = {}): ReturnType<typeof runLimited> =>
    runLimited(['python3', '-c', program], { cwd: folder, temporary: folder }, { ...limits, ...changes });
  /** Waits until the process whose id is in the file `child` is gone; a zombie runs no more. */
  const childIsGone = async (): Promise<void> => {
    const pid = await readFile(join(folder, 'child'), 'utf8');
    while (/^[^Z]/.test(spawnSync('ps', ['-o', 'stat=', '-p', pid.trim()], { encoding: 'utf8' }).stdout)) {
      await new Promise(setImmediate);
    }
  };

  it('says how it ended and what it wrote last', async () => {
    assert.deepEqual(await shell('echo fine'), { ended: 'passed', exitCode: 0, output: 'fine\n' });
    const failed = await shell('echo out; echo err >&2; exit 3');
    assert.deepEqual([failed.ended, failed.exitCode], ['failed', 3]);
    assert.match(failed.output, /out\n/);
    assert.match(failed.output, /err\n/);
    assert.equal((await shell('no-such-program-anywhere')).ended, 'not_run');
    const long = await shell('i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done');
    assert.ok(long.output.length <= 4096);
    assert.ok(long.output.endsWith('line 2999\n'));
  });

  it('is stopped when its time is up, with everything it started', async () => {
    const { ended } = await shell('sleep 1000 & echo $! > child; wait', { timeoutMs: 2000 });
    assert.equal(ended, 'timed_out');
    await childIsGone();
  });

  it('leaves nothing running when it ends by itself', async () => {
    assert.equal((await shell('sleep 1000 & echo $! > child')).ended, 'passed');
    await childIsGone();
  });

  it('gets no more memory than allowed', async () => {
    const program = 'print(len(bytearray(300 * 2**20)))';
    assert.equal((await python(program)).ended, 'passed');
    const { ended, output } = await python(program, { memoryBytes: 200 * 2 ** 20 });
    assert.equal(ended, 'failed');
    assert.match(output, /MemoryError/);
  });

  it('has no network when isolated, where the system lets us', async function () {
    if (!canIsolate()) this.skip();
    const interfaces = 'import socket; print([name for _, name in socket.if_nameindex()])';
    assert.equal((await python(interfaces, { isolated: true })).output, "['lo']\n");
    const listen = `import socket; socket.create_connection(("127.0.0.1", 9))`;
    assert.match((await python(listen, { isolated: true })).output, /Network is unreachable|refused/);
    const pid = await python('import os; print(os.getpid())', { isolated: true });
    assert.equal(pid.output, '1\n', 'it sees no other processes');
  });

  it('works in a copy without .git that goes away, also after a failure', async () => {
    await mkdir(join(folder, '.git'));
    await mkdir(join(folder, 'deep'));
    await writeFile(join(folder, 'deep', 'x.py'), 'a\n');
    await symlink('deep/x.py', join(folder, 'link.py'));
    let seen = '';
    const spoil = withScratchCopy(folder, async ({ cwd, temporary }) => {
      seen = cwd;
      assert.deepEqual((await readdir(cwd)).sort(), ['deep', 'link.py']);
      assert.equal(await readlink(join(cwd, 'link.py')), 'deep/x.py');
      await writeFile(join(cwd, 'link.py'), 'spoilt\n');
      await writeFile(join(temporary, 'left'), '');
      throw new Error('It failed.');
    });
    await assert.rejects(spoil, /It failed/);
    assert.equal(existsSync(seen), false);
    assert.equal(await readFile(join(folder, 'deep', 'x.py'), 'utf8'), 'a\n');
    assert.ok(existsSync(join(folder, '.git')));
  });

  it('is not copied for when aborted before', async () => {
    const signal = AbortSignal.abort(new Error('No more.'));
    const use = withScratchCopy(folder, () => assert.fail('it was used'), signal);
    await assert.rejects(use, /No more/);
  });
});
