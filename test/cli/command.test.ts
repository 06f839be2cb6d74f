// Proves: the command as a program: arguments, streams, exit codes, with a server and with the model in its own process.
import { strict as assert } from 'node:assert';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../server/errors.js';
import { environmentWith, packageRoot } from '../../server/config.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { body, hangingRun, result, serve, type TestServer } from '../server/helpers.js';

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const tiny = { MODEL_DIR: TINY_DIRECTORY, AGENTS_DIR: TINY_DIRECTORY, ABSTAIN_BELOW: '0' };

describe('command line', () => {
  let folder: string;
  let repo: string;
  let server: TestServer;
  const [file] = body.files;
  const path = file?.path ?? '';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'agentic-seq2seq-'));
    repo = join(folder, 'repo');
    await mkdir(join(repo, 'shop'), { recursive: true });
    await writeFile(join(repo, path), file?.content ?? '');
    await writeFile(join(repo, 'other.py'), 'unrelated = True\n');
    await writeFile(join(folder, 'issue.md'), `${body.issue.title}\n\n${body.issue.body}\n`);
    server = await serve();
  });
  afterEach(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  const start = (args: string[], environment = {}): ChildProcessWithoutNullStreams =>
    spawn(process.execPath, [join(packageRoot, 'dist/cli/main.js'), ...args], {
      env: environmentWith(environment),
      cwd: folder,
    });
  const finish = (child: ChildProcessWithoutNullStreams, input = ''): Promise<Outcome> =>
    new Promise((resolve) => {
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      child.once('close', (code) => {
        resolve({ code, stdout, stderr });
      });
      child.stdin.end(input);
    });
  const run = (args: string[], options: { input?: string; environment?: object } = {}): Promise<Outcome> =>
    finish(start(args, options.environment), options.input);
  const patch = (...args: string[]): Promise<Outcome> =>
    run(['patch', '--issue', 'issue.md', '--repo', 'repo', '--server', server.url, ...args]);
  const source = (): Promise<string> => readFile(join(repo, path), 'utf8');

  it('asks a server and prints the answer', async () => {
    const { code, stdout, stderr } = await patch('-n', '2', '--seed', '3', '--temperature', '0.5');
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^Analysis[^]*\+ {4}return -\(-len\(items\) \/\/ size\)\n$/);
    const [request] = server.host.requests;
    assert.ok(request);
    assert.deepEqual(request.issue, body.issue);
    assert.deepEqual([request.n, request.seed, request.temperature], [2, 3, 0.5]);
    assert.equal(request.files[0]?.path, path);
    assert.equal(await source(), file?.content);
  });

  it('reads the issue from standard input, prints JSON', async () => {
    const { code, stdout } = await run(['patch', '-i', '-', '-r', 'repo', '-s', `${server.url}/`, '--json'], {
      input: 'The last page is missing',
    });
    assert.equal(code, 0);
    const answer = JSON.parse(stdout) as { status: string; sent: string[]; applied: boolean };
    assert.deepEqual([answer.status, answer.applied, answer.sent[0]], ['applies', false, path]);
  });

  it('sends the key of the environment', async () => {
    await server.close();
    server = await serve({ API_KEY: 'key-of-the-tests' });
    const { code, stderr } = await patch();
    assert.deepEqual([code, stderr.includes('unauthorized')], [1, true]);
    const args = ['patch', '-i', 'issue.md', '-r', 'repo', '-s', server.url];
    assert.equal((await run(args, { environment: { API_KEY: 'key-of-the-tests' } })).code, 0);
  });

  it('applies the patch when asked', async () => {
    const { code, stdout } = await patch('--apply');
    assert.equal(code, 0);
    assert.match(stdout, /\nApplied to shop\/pages\.py\.\n$/);
    assert.match(await source(), /return -\(-len\(items\) \/\/ size\)/);
  });

  it('exit 4: the patch does not fit (any more); nothing changes', async () => {
    const other = result.patches.map((found) => ({ ...found, diff: found.diff.replace('\n- ', '\n-  ') }));
    server.host.behaviour = () => Promise.resolve({ ...result, patches: other });
    const { code, stdout, stderr } = await patch('--apply', '--json');
    assert.equal(code, 4);
    assert.match(stderr, /The patch was not applied/);
    assert.equal((JSON.parse(stdout) as { applied: boolean }).applied, false);
    assert.equal(await source(), file?.content);
  });

  it('exit 3: no patch is trusted, or none that parses', async () => {
    server.host.behaviour = () =>
      Promise.resolve({ ...result, status: 'abstained', abstained_because: 'low_confidence', patches: [] });
    const { code, stdout } = await patch('--apply');
    assert.equal(code, 3);
    assert.match(stdout, /No patch: none is trusted[^\n]*--min-score 0/);
    assert.equal(server.host.requests.at(-1)?.min_score, undefined, 'the server says what is trusted');
    await patch('--min-score', '0.3');
    assert.equal(server.host.requests.at(-1)?.min_score, 0.3);
    assert.equal((await patch('--min-score', '1.5')).code, 2);
    const broken = result.patches.map((found) => ({ ...found, status: 'syntax_error' as const }));
    server.host.behaviour = () => Promise.resolve({ ...result, status: 'syntax_error', patches: broken });
    assert.equal((await patch('--apply')).code, 3);
    assert.equal(await source(), file?.content);
  });

  it('exit 1: the server refuses or cannot be reached', async () => {
    server.host.behaviour = () => Promise.reject(new AppError('inference_crashed', 'It stopped.'));
    const refused = await patch();
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /500 inference_crashed: It stopped\./);
    await server.close();
    const unreachable = await patch();
    assert.equal(unreachable.code, 1);
    assert.match(unreachable.stderr, /ECONNREFUSED/);
    server = await serve();
  });

  it('exit 2: the command line cannot be used', async () => {
    await writeFile(join(folder, 'blank.md'), ' \n');
    await mkdir(join(folder, 'none'));
    const wrong: [RegExp, string[]][] = [
      [/required option/, ['patch']],
      [/unknown option/, ['patch', '-i', 'issue.md', '--fast']],
      [/unknown command/, ['solve']],
      [/whole number from 1 to 64/, ['patch', '-i', 'issue.md', '-n', '0']],
      [/nothere\.md cannot be read/, ['patch', '-i', 'nothere.md']],
      [/issue is empty/, ['patch', '-i', 'blank.md']],
      [/not a folder/, ['patch', '-i', 'issue.md', '-r', 'issue.md']],
      [/no source files/, ['patch', '-i', 'issue.md', '-r', 'none']],
      [/not a URL/, ['patch', '-i', 'issue.md', '-r', 'repo', '-s', 'nowhere']],
    ];
    await Promise.all(
      wrong.map(async ([message, args]) => {
        const { code, stderr, stdout } = await run(args);
        assert.deepEqual([code, stdout], [2, ''], args.join(' '));
        assert.match(stderr, message);
      }),
    );
    const environment = { ...tiny, THREADS: 'many' };
    assert.equal((await run(['patch', '-i', 'issue.md', '-r', 'repo'], { environment })).code, 2);
  });

  it('exit 130: interrupted, and the server’s slot is free again', async () => {
    const hanging = hangingRun();
    server.host.behaviour = hanging.behaviour;
    const child = start(['patch', '-i', 'issue.md', '-r', 'repo', '-s', server.url]);
    const finished = finish(child);
    await hanging.entered;
    child.kill('SIGINT');
    assert.equal((await finished).code, 130);
    while (server.admission.running > 0) await new Promise(setImmediate);
  });

  it('explains itself', async () => {
    const { code, stdout } = await run(['patch', '--help']);
    assert.equal(code, 0);
    assert.match(stdout, /Exit codes:/);
  });

  it('computes in its own process without a server', async () => {
    const { code, stdout, stderr } = await run(['patch', '-i', 'issue.md', '-r', 'repo', '--json', '-n', '3'], {
      environment: tiny,
    });
    assert.equal(stderr, '');
    const answer = JSON.parse(stdout) as { status: string; patches: unknown[] };
    assert.ok([0, 3].includes(code ?? -1));
    assert.ok(answer.patches.length > 0);
  });

  it('exit 1: the model cannot be loaded', async () => {
    const environment = { ...tiny, MODEL_DIR: join(folder, 'nowhere') };
    const { code, stderr } = await run(['patch', '-i', 'issue.md', '-r', 'repo'], { environment });
    assert.equal(code, 1);
    assert.match(stderr, /model could not be loaded: .*nowhere/);
  });
});
