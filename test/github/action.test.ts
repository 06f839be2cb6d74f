// Proves: the step of action.yml, run as a runner does, sends the issue of the event and the files of the checkout to a server and
// writes one comment; what it cannot do it says and fails.
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { environmentWith, packageRoot } from '../../server/config.js';
import { TestRepository } from '../helpers/repository.js';
import { result, serve, type TestServer } from '../server/helpers.js';
import { FakeGitHub } from './fake-github.js';
import { FILES, labeled } from './webhook-server.js';

interface Step {
  readonly name: string;
  readonly run: string;
  readonly env?: Readonly<Record<string, string>>;
}

const action = parse(readFileSync(join(packageRoot, 'action.yml'), 'utf8')) as {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>;
  readonly runs: { readonly steps: readonly Step[] };
};
const KEY = 'server-key';
const COMMENTS = /\/comments$/;

describe('GitHub Action', () => {
  let folder: string;
  let fake: FakeGitHub;
  let server: TestServer;
  let head: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'action-'));
    head = new TestRepository(join(folder, 'checkout')).commit('files', FILES);
    fake = await FakeGitHub.listen();
    server = await serve({ API_KEY: KEY });
  });
  afterEach(async () => {
    fake.close();
    await server.close();
    await rm(folder, { recursive: true });
  });

  /** Runs the last step with these inputs on an event. */
  const answer = async (
    payload: unknown,
    inputs: Readonly<Record<string, string>> = {},
  ): Promise<{ code: number | null; stdout: string; stderr: string }> => {
    const event = join(folder, 'event.json');
    await writeFile(event, typeof payload === 'string' ? payload : JSON.stringify(payload));
    const given: Record<string, string> = {
      server: server.url,
      'api-key': KEY,
      path: 'checkout',
      token: fake.token,
      ...inputs,
    };
    const value = (expression: string): string => {
      const name = expression.replace('inputs.', '');
      if (name === 'github.action_path') return packageRoot;
      return given[name] ?? action.inputs[name]?.default ?? '';
    };
    const { run, env } = action.runs.steps.at(-1)!;
    const variables = Object.entries(env ?? {}).map(([name, text]) => [
      name,
      text.replaceAll(/\$\{\{ ([\w.-]+) \}\}/g, (_all, expression: string) => value(expression)),
    ]);
    const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', run], {
      cwd: folder,
      env: environmentWith({
        GITHUB_EVENT_PATH: event,
        GITHUB_API_URL: fake.url,
        ...(Object.fromEntries(variables) as Record<string, string>),
      }),
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, stdout, stderr };
  };

  it('posts one comment, and changes it when it runs again', async () => {
    const first = await answer(labeled());
    assert.deepEqual(first, { code: 0, stdout: 'Comment posted on acme/shop#7.\n', stderr: '' });
    const [request] = server.host.requests;
    assert.equal(request?.issue.title, 'The last page is missing');
    assert.equal(request.files[0]?.path, 'shop/pages.py');
    assert.ok(!request.files.some(({ path }) => path.startsWith('test/')));
    const text = fake.comments[0]!.body;
    assert.ok(text.includes(result.patches[0]!.diff) && text.includes(`read at ${head.slice(0, 12)}`));
    assert.equal((await answer(labeled())).stdout, 'Comment edited on acme/shop#7.\n');
    assert.equal(fake.comments.length, 1);
  });

  it('without a key of the server only a comment of a bot counts as its own', async () => {
    await server.close();
    server = await serve();
    await answer(labeled(), { 'api-key': '' });
    fake.comments.unshift({ id: 99, body: fake.comments[0]!.body, user: { type: 'User' } });
    assert.equal((await answer(labeled(), { 'api-key': '' })).stdout, 'Comment edited on acme/shop#7.\n');
    assert.equal(fake.count('PATCH', /\/comments\/1$/), 1);
  });

  it('an abstained answer is told, and is no failure', async () => {
    server.host.behaviour = () =>
      Promise.resolve({ ...result, status: 'abstained', abstained_because: 'no_candidate', patches: [] });
    assert.equal((await answer(labeled())).code, 0);
    assert.match(fake.comments[0]!.body, /\*\*No patch\*\*: no edit came to mind/);
  });

  it('does nothing about other labels and events', async () => {
    for (const payload of [labeled({}, { label: { name: 'bug' } }), { ref: 'refs/heads/main' }]) {
      const { code, stdout } = await answer(payload);
      assert.deepEqual([code, stdout], [0, 'Nothing to do: no issue got the label.\n']);
    }
    assert.equal(fake.calls.length + server.host.requests.length, 0);
    assert.equal((await answer(labeled({}, { label: { name: 'bug' } }), { label: 'bug' })).code, 0);
    assert.equal(fake.comments.length, 1);
  });

  it('tries again after a 5xx and a limit of the rate', async () => {
    fake.fail('GET', COMMENTS, 503);
    fake.fail('POST', COMMENTS, 429);
    assert.equal((await answer(labeled())).code, 0);
    assert.equal(fake.comments.length, 1);
  });

  it('fails and says why: no right on GitHub, a wrong key, no token, no event, no checkout', async () => {
    fake.fail('GET', COMMENTS, 403, { headers: {} });
    const denied = await answer(labeled());
    assert.deepEqual([denied.code, /^github_denied: GET .* 403\n$/.test(denied.stderr)], [1, true]);
    const refused = await answer(labeled(), { 'api-key': 'wrong' });
    assert.deepEqual([refused.code, refused.stderr.includes('401 unauthorized')], [1, true]);
    assert.ok(!denied.stderr.includes(fake.token) && !refused.stderr.includes('wrong-key'));
    for (const [payload, inputs, message] of [
      [labeled(), { token: '' }, 'GITHUB_TOKEN is not set.'],
      ['{', {}, 'cannot be read as JSON'],
      [{ issue: {} }, {}, 'does not fit the contract'],
      [labeled(), { path: '/' }, 'no checkout of git'],
    ] as const) {
      const { code, stderr } = await answer(payload, inputs);
      assert.equal(code, 2);
      assert.ok(stderr.includes(message), stderr);
    }
    assert.equal(fake.comments.length, 0);
  });
});
