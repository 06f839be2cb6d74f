// Proves: corrections that users gave become rows, rows a candidate, the candidate what a running server serves, and the next
// answer is nearer to what was right; nothing is published against the gate unless that is forced and recorded.
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { Answer } from '../../cli/client.js';
import type { AgentCard } from '../../server/inference/messages.js';
import { environmentWith } from '../../server/config.js';
import type { AgentReport, Report } from '../../training/finetune/report.js';
import { ROOT, TINY_DIRECTORY } from '../helpers/tiny.js';
import { AdminClient, KEY } from '../releases/admin-client.js';
import { saveRandomAgent } from '../releases/tiny-agents.js';
import { ServerProcess } from '../server/server-process.js';

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const names = Array.from(
  { length: 30 },
  (_, index) => `${'sum total merge fold plus'.split(' ')[index % 5]!}_${index}`,
);

describe('the loop from feedback to a better answer', function () {
  // Many processes that load a model; other tests may hold the cores.
  this.timeout(300_000);
  let folder: string;
  let server: ServerProcess;
  const admin = new AdminClient(() => server.url);
  const inFolder = (name: string): string => path.join(folder, name);
  const from = path.join(TINY_DIRECTORY, 'code-generation.safetensors');

  const run = async (program: string, args: readonly string[], environment = {}): Promise<Outcome> => {
    const child = spawn(process.execPath, [path.join(ROOT, 'dist', program), ...args], {
      env: environmentWith({ ADMIN_API_KEY: KEY, FEEDBACK_DIR: inFolder('feedback'), ...environment }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { code: child.exitCode, stdout, stderr };
  };
  const training = (command: string, out: string, ...more: string[]): Promise<Outcome> =>
    run('training/loop/main.js', [command, '--server', server.url, '--out', inFolder(out), ...more]);
  const loop = (out: string, ...more: string[]): Promise<Outcome> =>
    training(
      'loop',
      out,
      ...[
        '--agent',
        'code-generation',
        '--rows',
        inFolder('rows.jsonl'),
        '--from',
        from,
        '--model-dir',
        TINY_DIRECTORY,
      ],
      ...['--learning-rate', '0.02', '--threads', '1', ...more],
    );
  const report = async (out: string): Promise<AgentReport> =>
    (JSON.parse(await readFile(inFolder(`${out}/report.json`), 'utf8')) as Report).agents[0]!;
  const live = async (): Promise<string> => (await admin.releases()).stable.code_generation;

  /** Asks about a function that subtracts, and says that it should add. */
  async function correct(name: string): Promise<void> {
    const content = `def ${name}(a, b):\n    c = a - b\n    return c\n`;
    const file = `lib/${name}.py`;
    const body = { issue: `${name} subtracts`, files: [{ path: file, content }], max_new_tokens: 24 };
    const { id } = (await (await server.post(body)).json()) as Answer;
    const diff = `--- a/${file}\n+++ b/${file}\n@@ -2,1 +2,1 @@\n-    c = a - b\n+    c = a + b\n`;
    const response = await fetch(`${server.url}/v1/patches/${String(id)}/feedback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ verdict: 'corrected', diff }),
    });
    assert.equal(response.status, 200, await response.text());
  }

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'loop-'));
    server = new ServerProcess({
      MODEL_DIR: TINY_DIRECTORY,
      AGENTS_DIR: TINY_DIRECTORY,
      STORE_DIR: inFolder('store'),
      FEEDBACK_DIR: inFolder('feedback'),
      ADMIN_API_KEY: KEY,
      ABSTAIN_BELOW: '0',
      THREADS: '1',
    });
    await server.logged('ready');
    for (const name of names) await correct(name);
    const { code, stdout } = await run('cli/main.js', ['feedback', 'export', '--out', inFolder('rows.jsonl')]);
    assert.deepEqual([code, (JSON.parse(stdout) as { rows: number }).rows], [0, names.length]);
  });
  after(async () => {
    await server.stop('SIGKILL');
    await rm(folder, { recursive: true });
  });

  it('publishes nothing that is not better', async () => {
    const before = await live();
    const { code, stderr } = await loop('same', '--learning-rate', '1e-12', '--epochs', '1');
    assert.equal(code, 3, stderr);
    assert.match(stderr, /Not publishable: held-out cross-entropy improves by/);
    assert.equal(await live(), before);
  });

  it('fine-tunes, passes the gate, publishes, and the next answer is nearer to the right one', async () => {
    const { code, stdout, stderr } = await loop('out', '--epochs', '16');
    assert.equal(code, 0, stderr);
    const { generation, parent, trial, held_out: figures } = await report('out');
    assert.equal(trial.fault, null);
    assert.ok(figures.after.cross_entropy < figures.before.cross_entropy);
    assert.equal(await live(), generation);
    const match = /\(F1\) \| (\S+) \| (\S+) \|/.exec(stdout);
    assert.ok(Number(match?.[2]) > Number(match?.[1]), stdout);
    const answer = (await (
      await server.post({ issue: 'x', files: [{ path: 'a.py', content: 'b\n' }] })
    ).json()) as Answer;
    assert.equal(answer.release.code_generation, generation);
    const [stored] = await cards(generation);
    assert.equal(stored?.lineage['parent'], parent);
    assert.equal(stored.lineage['forced'], undefined);
  });

  it('says the same when asked again, and does not train from an agent that is not live', async () => {
    const before = await admin.releases();
    assert.equal((await training('publish', 'out')).code, 0);
    assert.deepEqual(await admin.releases(), before);
    const { code, stderr } = await loop('again');
    assert.equal(code, 3);
    assert.match(stderr, /^Not publishable: it is compared with the agent \w+, live is \w+\.\n$/);
  });

  it('refuses a candidate that was compared with another agent; by force it goes in as a canary, and its lineage says so', async () => {
    const { generation: other } = await admin.store((await saveRandomAgent(folder, 'code-generation', 7)).file);
    const { stable } = await admin.releases();
    await admin.change('/v1/releases', { code_generation: other, expected_release: stable.id });
    const refused = await training('publish', 'out');
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /it is compared with the agent/);
    const forced = await training('publish', 'out', '--force', '--canary', '0.5');
    assert.equal(forced.code, 0, forced.stderr);
    const [{ generation, forced: reasons }] = JSON.parse(forced.stdout) as [{ generation: string; forced: string[] }];
    const state = await admin.releases();
    assert.equal(state.stable.code_generation, other);
    assert.deepEqual([state.canary?.release.code_generation, state.canary?.weight], [generation, 0.5]);
    const [stored] = await cards(generation);
    assert.match(reasons.join(), /live is/);
    assert.deepEqual(stored?.lineage['forced'], reasons);
  });

  it('publishes where the admin API has a port of its own, and asks at the port of requests', async () => {
    const apart = new ServerProcess({
      MODEL_DIR: TINY_DIRECTORY,
      AGENTS_DIR: TINY_DIRECTORY,
      STORE_DIR: inFolder('store-apart'),
      ADMIN_API_KEY: KEY,
      ADMIN_PORT: '0',
      ABSTAIN_BELOW: '0',
      THREADS: '1',
    });
    try {
      await apart.logged('ready');
      const { url, adminUrl } = apart;
      assert.notEqual(adminUrl, url);
      const elsewhere = await run('training/loop/main.js', ['publish', '-s', url, '--out', inFolder('out')]);
      assert.equal(elsewhere.code, 1, 'the port of requests has no admin API');
      const servers = ['--server', url, '--admin-server', adminUrl];
      const published = await run('training/loop/main.js', ['publish', ...servers, '--out', inFolder('out')]);
      assert.equal(published.code, 0, published.stderr);
      const { generation } = await report('out');
      const client = new AdminClient(() => adminUrl);
      assert.equal((await client.releases()).stable.code_generation, generation);
      // From the agent that is live now: training and question, too, find their way with two ports.
      const start = path.join(inFolder('store-apart'), 'agents', `${generation}.safetensors`);
      const looped = await loop('apart', '--from', start, '--epochs', '2', '--force', ...servers);
      assert.equal(looped.code, 0, looped.stderr);
      const next = await report('apart');
      assert.equal(next.parent, generation);
      const { code_generation: live } = (await client.releases()).stable;
      assert.notEqual(live, generation);
      assert.match(looped.stdout, /\| release \| \w+ \| \w+ \|/);
    } finally {
      await apart.stop('SIGKILL');
    }
  });

  it('refuses a candidate that has changed since its report', async () => {
    const { file } = await saveRandomAgent(folder, 'code-generation', 8);
    await writeFile(inFolder('out/code-generation.safetensors'), await readFile(file));
    const { code, stderr } = await training('publish', 'out');
    assert.equal(code, 3);
    assert.match(stderr, /its file has changed since the report/);
  });

  it('says what is wrong: key, server, command line, report', async () => {
    const publish = ['publish', '--out', inFolder('out')];
    const wrongKey = await run('training/loop/main.js', [...publish, '-s', server.url], { ADMIN_API_KEY: 'x' });
    assert.deepEqual([wrongKey.code, wrongKey.stderr.split(':')[0]], [1, 'unauthorized']);
    assert.equal((await run('training/loop/main.js', [...publish, '-s', 'http://127.0.0.1:1'])).code, 1);
    assert.equal((await training('publish', 'out', '--canary', '2')).code, 2);
    assert.equal((await training('publish', 'nothing')).code, 2);
    assert.equal((await training('loop', 'out', '--agent', 'painter')).code, 2);
  });

  async function cards(generation: string): Promise<AgentCard[]> {
    const { agents } = (await (await admin.fetch('/v1/agents')).json()) as { agents: AgentCard[] };
    return agents.filter((card) => card.generation === generation);
  }
});
