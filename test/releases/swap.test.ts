// Proves: the real process swaps agents while it serves: no failed request, no mixed pair, refusals leave what is served,
// and what was published survives kill -9.
import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkAgent, recordProbe } from '../../adapters/check-agent.js';
import { bareAgent, saveAgent } from '../../adapters/agent.js';
import { readTensors, writeTensors, type NamedTensor } from '../../adapters/safetensors.js';
import { loadBackbone, type Backbone } from '../../model/backbone.js';
import type { Answer } from '../../cli/client.js';
import { environmentWith, packageRoot } from '../../server/config.js';
import { assertError, body } from '../server/helpers.js';
import { ServerProcess } from '../server/server-process.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { AdminClient, KEY, type Releases } from './admin-client.js';
import { saveRandomAgent } from './tiny-agents.js';

const request = { ...body, max_new_tokens: 24 };

describe('swapping agents in a running server', () => {
  let folder: string;
  let agentsDir: string;
  let environment: Record<string, string>;
  let server: ServerProcess;
  let backbone: Backbone;
  const admin = new AdminClient(() => server.url);
  const start = async (more: Record<string, string> = {}): Promise<void> => {
    server = new ServerProcess({ ...environment, ...more });
    await server.logged('ready');
  };
  /** Output without what differs from call to call. */
  const ask = async (key?: string): Promise<Pick<Answer, 'release' | 'patches' | 'analysis'>> => {
    const response = await server.post(request, {
      headers: { 'content-type': 'application/json', ...(key !== undefined && { 'x-request-key': key }) },
    });
    const answer = (await response.json()) as Answer;
    assert.equal(response.status, 200, JSON.stringify(answer));
    return { release: answer.release, patches: answer.patches, analysis: answer.analysis };
  };
  const stored = async (name: 'issue-analysis' | 'code-generation', seed: number): Promise<string> =>
    (await admin.store((await saveRandomAgent(folder, name, seed)).file)).generation;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'swap-'));
    agentsDir = join(folder, 'agents');
    await mkdir(agentsDir);
    for (const name of ['issue-analysis', 'code-generation']) {
      await copyFile(join(TINY_DIRECTORY, `${name}.safetensors`), join(agentsDir, `${name}.safetensors`));
    }
    environment = {
      MODEL_DIR: TINY_DIRECTORY,
      AGENTS_DIR: agentsDir,
      STORE_DIR: join(folder, 'store'),
      ABSTAIN_BELOW: '0',
      THREADS: '1',
      WORKERS: '2',
      QUEUE_SIZE: '64',
      ADMIN_API_KEY: KEY,
      MAX_AGENT_BYTES: '4000000',
    };
    backbone = await loadBackbone({ directory: TINY_DIRECTORY });
    await start();
  });
  after(async () => {
    await server.stop('SIGKILL');
    await backbone.close();
    await rm(folder, { recursive: true });
  });

  it('serves the new pair to the very next request, and after a rollback the old one, byte for byte', async () => {
    const first = await ask();
    const generation = await stored('code-generation', 1);
    const { stable, canary } = await admin.change('/v1/releases', {
      code_generation: generation,
      expected_release: first.release.id,
    });
    assert.equal(canary, null);
    assert.equal(stable.code_generation, generation);
    assert.equal(stable.issue_analysis, first.release.issue_analysis);
    const second = await ask();
    assert.deepEqual(second.release, stable);
    assert.notDeepEqual(second.patches, first.patches);
    await admin.change('/v1/releases/rollback', { expected_release: stable.id });
    assert.deepEqual(await ask(), first);
    const ready = (await (await fetch(`${server.url}/ready`)).json()) as { release: object };
    assert.deepEqual(ready.release, first.release);
  });

  it('publishing is compare-and-set, and the same pair again changes nothing', async () => {
    const { stable } = await admin.releases();
    const generation = await stored('code-generation', 2);
    const wrong = { code_generation: generation, expected_release: 'f'.repeat(64) };
    await assertError(await admin.send('/v1/releases', wrong), 409, 'release_conflict');
    assert.equal((await admin.releases()).stable.id, stable.id);
    const right = { code_generation: generation, expected_release: stable.id };
    const published = await admin.change('/v1/releases', right);
    const again = await admin.change('/v1/releases', right);
    assert.deepEqual(again.history, published.history);
    const unknown = { code_generation: 'e'.repeat(64), expected_release: published.stable.id };
    await assertError(await admin.send('/v1/releases', unknown), 404, 'generation_not_found');
    const swapped = { issue_analysis: generation, expected_release: published.stable.id };
    await assertError(await admin.send('/v1/releases', { ...swapped, label: 'canary' }), 409, 'release_conflict');
    const other = await stored('code-generation', 3);
    await assertError(
      await admin.send('/v1/releases', { issue_analysis: other, expected_release: published.stable.id }),
      422,
      'agent_wrong_name',
    );
    await admin.change('/v1/releases/rollback', { expected_release: published.stable.id });
  });

  it('one change at a time: the others are told at once', async () => {
    const { file } = await saveRandomAgent(folder, 'code-generation', 4);
    const bytes = await readFile(file);
    const responses = await Promise.all(Array.from({ length: 6 }, () => admin.upload(bytes)));
    const statuses = responses.map(({ status }) => status);
    assert.ok(statuses.includes(200));
    for (const response of responses.filter(({ status }) => status !== 200)) {
      await assertError(response, 429, 'publish_busy');
    }
  });

  it('a canary gets its share by key, is promoted, and both answers name their pair', async () => {
    const { stable } = await admin.releases();
    const generation = await stored('issue-analysis', 5);
    const published = await admin.change('/v1/releases', {
      issue_analysis: generation,
      label: 'canary',
      weight: 0.5,
      expected_release: null,
    });
    const canary = published.canary!.release;
    const keys = Array.from({ length: 24 }, (_, index) => `user ${index}`);
    const draw = (): Promise<string[]> => Promise.all(keys.map(async (key) => (await ask(key)).release.id));
    const drawn = await draw();
    assert.deepEqual(new Set(drawn), new Set([stable.id, canary.id]));
    assert.deepEqual(await draw(), drawn);
    await assertError(
      await admin.send('/v1/releases/promote', { expected_release: stable.id }),
      409,
      'release_conflict',
    );
    const promoted = await admin.change('/v1/releases/promote', { expected_release: canary.id });
    assert.equal(promoted.stable.id, canary.id);
    assert.equal(promoted.canary, null);
    assert.equal((await ask()).release.id, canary.id);
    await admin.change('/v1/releases/rollback', { expected_release: canary.id });
    await assertError(
      await admin.send('/v1/releases/rollback', { label: 'canary', expected_release: canary.id }),
      409,
      'release_conflict',
    );
  });

  it('swap storm: no failed request, no mixed pair, each output that of its pair', async () => {
    const pairs = [
      await stored('issue-analysis', 10).then(async (a) => [a, await stored('code-generation', 10)] as const),
      await stored('issue-analysis', 11).then(async (a) => [a, await stored('code-generation', 11)] as const),
    ];
    let current = (await admin.releases()).stable;
    const publish = async (index: number): Promise<void> => {
      const [issue, code] = pairs[index % 2]!;
      const change = { issue_analysis: issue, code_generation: code, expected_release: current.id };
      current = (await admin.change('/v1/releases', change)).stable;
    };
    const expected = new Map<string, unknown>();
    for (const index of [0, 1]) {
      await publish(index);
      const answer = await ask();
      expected.set(answer.release.id, answer);
    }
    let isOver = false;
    let answered = 0;
    const clients = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        const answer = await ask();
        assert.deepEqual(answer, expected.get(answer.release.id));
        answered += 1;
      }
    });
    for (let index = 0; index < 40; index++) await publish(index);
    isOver = true;
    await Promise.all(clients);
    assert.ok(answered > 8, String(answered));
    await server.untilMetric('agentic_requests_running', 0);
    // Stable and the release before it: two pairs.
    await server.untilMetric('agentic_resident_agents', 4);
    assert.deepEqual((await admin.releases()).leased, []);
  });

  it('is changed from the command line', async () => {
    const run = async (...args: string[]): Promise<{ stable: { id: string; code_generation: string } }> => {
      const command = [join(packageRoot, 'dist/cli/main.js'), 'agents', ...args];
      const env = environmentWith({ ADMIN_API_KEY: KEY });
      const { stdout } = await promisify(execFile)(process.execPath, command, { env });
      return JSON.parse(stdout) as { stable: { id: string; code_generation: string } };
    };
    const { stable } = await admin.releases();
    const { file, agent } = await saveRandomAgent(folder, 'code-generation', 60);
    const onServer = ['--server', server.url];
    assert.equal(((await run('inspect', file)) as unknown as { generation: string }).generation, agent.generation);
    assert.equal((await run('publish', file, ...onServer)).stable.code_generation, agent.generation);
    assert.equal((await run('rollback', ...onServer)).stable.id, stable.id);
    await run('publish', file, '--canary', '0.5', ...onServer);
    assert.equal((await run('promote', ...onServer)).stable.code_generation, agent.generation);
    assert.equal((await run('rollback', ...onServer)).stable.id, stable.id);
    assert.match(JSON.stringify(await run('list', ...onServer)), new RegExp(agent.generation));
    await assert.rejects(run('promote', ...onServer), /There is no canary/);
    await assert.rejects(run('publish', join(TINY_DIRECTORY, 'config.json'), ...onServer), /agent_bad_magic/);
  });

  describe('what cannot serve', () => {
    let before: Awaited<ReturnType<typeof ask>> | undefined;
    let good: Buffer;
    beforeEach(async () => {
      before ??= await ask();
      good = await readFile((await saveRandomAgent(folder, 'code-generation', 20)).file);
    });
    afterEach(async () => {
      assert.deepEqual(await ask(), before);
    });

    const changed = async (
      change: (tensors: Map<string, NamedTensor>, metadata: Record<string, string>) => void,
    ): Promise<Buffer> => {
      const file = join(folder, 'changed.safetensors');
      await writeFile(file, good);
      const contents = await readTensors(file);
      const tensors = new Map(contents.tensors);
      const metadata: Record<string, string> = { ...contents.metadata };
      delete metadata['generation'];
      change(tensors, metadata);
      await writeTensors(file, { tensors, metadata });
      return readFile(file);
    };
    const withNumber = (value: number) => (tensors: Map<string, NamedTensor>) => {
      const { shape, data } = tensors.get('head_up')!;
      tensors.set('head_up', { shape, data: data.map((old, at) => (at === 7 ? value : old)) });
    };
    const flipped = (): Buffer => {
      const bytes = Buffer.from(good);
      bytes[bytes.length - 100]! ^= 4;
      return bytes;
    };
    const faults: [string, () => Buffer | Promise<Buffer>][] = [
      ['agent_truncated', () => good.subarray(0, -10)],
      ['agent_corrupted', flipped],
      ['agent_bad_magic', () => Buffer.from('PK\u0003\u0004 this is a zip archive')],
      ['agent_malformed', () => Buffer.concat([good, Buffer.alloc(4)])],
      ['agent_wrong_format', () => changed((_, metadata) => (metadata['format'] = '9'))],
      ['agent_wrong_name', () => changed((_, metadata) => (metadata['agent'] = 'summary'))],
      ['agent_wrong_backbone', () => changed((_, metadata) => (metadata['backbone'] = '0'.repeat(64)))],
      ['agent_missing_tensor', () => changed((tensors) => tensors.delete('gate_w'))],
      ['agent_unknown_tensor', () => changed((tensors) => tensors.set('x', tensors.get('gate_b')!))],
      ['agent_wrong_shape', () => changed((tensors) => tensors.set('gate_w', tensors.get('gate_b')!))],
      ['agent_not_finite', () => changed(withNumber(NaN))],
      ['agent_not_finite', () => changed(withNumber(-Infinity))],
      ['agent_norm_too_large', () => changed(withNumber(1e6))],
      [
        'agent_no_effect',
        async () => {
          const file = join(folder, 'bare.safetensors');
          const { config } = backbone;
          const { tensors } = bareAgent(config);
          await saveAgent(file, tensors, { name: 'code-generation', backbone: config.fingerprint }, config);
          return readFile(file);
        },
      ],
      [
        'agent_probe_mismatch',
        async () => {
          const { agent } = await saveRandomAgent(folder, 'code-generation', 21);
          const probe = await recordProbe(backbone, agent, [40, 41, 42], [50, 51, 52]);
          return readFile((await saveRandomAgent(folder, 'code-generation', 22, { probe })).file);
        },
      ],
    ];
    for (const [code, make] of faults) {
      it(`is refused with ${code}`, async () => {
        await assertError(await admin.upload(await make()), 422, code);
      });
    }

    it('is refused with agent_too_large', async () => {
      await assertError(await admin.upload(Buffer.alloc(4_100_000)), 413, 'agent_too_large');
    });

    it('an agent that answers as recorded passes', async () => {
      const { agent } = await saveRandomAgent(folder, 'code-generation', 22);
      const probe = await recordProbe(backbone, agent, [40, 41, 42], [50, 51, 52]);
      await checkAgent(backbone, { ...agent, probe });
      await admin.store((await saveRandomAgent(folder, 'code-generation', 22, { probe })).file);
    });

    it('300 mutated files: none is stored, none stops anything', async function () {
      this.timeout(240_000);
      const { agents } = (await (await admin.fetch('/v1/agents')).json()) as { agents: unknown[] };
      for (let index = 0; index < 300; index++) {
        const bytes = mutated(good, index);
        const response = await admin.upload(bytes);
        const answer = (await response.json()) as { error?: { code: string } };
        assert.equal(response.status, 422, `mutation ${index}: ${JSON.stringify(answer)}`);
      }
      const after = (await (await admin.fetch('/v1/agents')).json()) as { agents: unknown[] };
      assert.deepEqual(after.agents, agents);
    });
  });

  it('takes a file by path only from below AGENTS_DIR', async () => {
    const { file, agent } = await saveRandomAgent(agentsDir, 'code-generation', 30);
    const card = (await (await admin.send('/v1/agents', { path: file.slice(agentsDir.length + 1) })).json()) as {
      generation: string;
    };
    assert.equal(card.generation, agent.generation);
    await writeFile(join(folder, 'outside'), 'x');
    await symlink(join(folder, 'outside'), join(agentsDir, 'link'));
    for (const path of ['../outside', '/etc/passwd', 'link', '.', 'a\0b']) {
      await assertError(await admin.send('/v1/agents', { path }), 403, 'path_forbidden');
    }
    await assertError(await admin.send('/v1/agents', { path: 'none' }), 404, 'path_not_found');
  });

  it('needs the key', async () => {
    for (const authorization of ['', 'Bearer wrong', `Basic ${KEY}`]) {
      const response = await admin.fetch('/v1/releases', { headers: { authorization } });
      assert.equal(response.headers.get('www-authenticate'), 'Bearer');
      await assertError(response, 401, 'unauthorized');
    }
    assert.ok(!JSON.stringify(server.log).includes(KEY));
  });

  it('sends changes as events', async () => {
    const leave = new AbortController();
    const stream = await admin.fetch('/v1/agents/events', { signal: leave.signal });
    const generation = await stored('code-generation', 40);
    const { stable } = await admin.releases();
    const { history } = await admin.change('/v1/releases', {
      code_generation: generation,
      expected_release: stable.id,
    });
    let text = '';
    for await (const chunk of stream.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.includes('event: release')) break;
    }
    assert.match(text, new RegExp(`event: agent\ndata: .*${generation}`));
    assert.match(text, new RegExp(`id: ${history.at(-1)!.seq}\nevent: release\n`));
    leave.abort();
  });

  describe('started again', () => {
    it('kill -9 while publishing: the old or the new release, and the labels come back', async function () {
      this.timeout(300_000);
      const pair = [await stored('code-generation', 50), await stored('code-generation', 51)];
      await admin.change('/v1/releases', {
        issue_analysis: await stored('issue-analysis', 52),
        label: 'canary',
        weight: 0.25,
        expected_release: null,
      });
      for (let round = 0; round < 4; round++) {
        const old = await admin.releases();
        const change = { code_generation: pair[round % 2], expected_release: old.stable.id };
        const outcome = admin.send('/v1/releases', change).then(
          (response) => (response.status === 200 ? (response.json() as Promise<Releases>) : undefined),
          () => undefined,
        );
        // The later the round, the further the change gets.
        for (let turns = 0; turns < round * 5; turns++) await fetch(`${server.url}/health`);
        await server.stop('SIGKILL');
        const published = await outcome.catch(() => undefined);
        await start();
        const now = await admin.releases();
        const generations = [old.stable.code_generation, pair[round % 2]];
        assert.ok(generations.includes(now.stable.code_generation));
        if (published) assert.equal(now.stable.id, published.stable.id);
        assert.deepEqual(now.canary, old.canary);
        assert.equal((await ask('a key of stable 1')).release.issue_analysis.length, 64);
      }
      assert.deepEqual(await readdir(join(folder, 'store', 'staging')), []);
    });

    it('a damaged store is reported, not served', async () => {
      await server.stop('SIGKILL');
      const journal = join(folder, 'store', 'journal');
      const bytes = await readFile(journal);
      const damaged = Buffer.from(bytes);
      damaged[100]! ^= 1;
      await writeFile(journal, damaged);
      const broken = new ServerProcess(environment);
      const { err } = await broken.logged('the store is damaged');
      assert.match(err?.message ?? '', /line 1, is damaged/);
      assert.equal(await broken.exited, 1);
      // An unfinished last line is what a crash leaves.
      await writeFile(journal, Buffer.concat([bytes, Buffer.from('0123')]));
      await start();
    });

    it('is off without a key', async () => {
      await server.stop('SIGKILL');
      await start({ ADMIN_API_KEY: '', STORE_DIR: join(folder, 'no-store') });
      await assertError(await admin.fetch('/v1/releases'), 403, 'admin_off');
    });
  });
});

/** One of many small changes of a sealed file, each of which must be noticed. */
function mutated(good: Buffer, index: number): Buffer {
  const bytes = Buffer.from(good);
  const header = Number(bytes.readBigUInt64LE(0));
  // Spread over header and data by a step that is no divisor of either.
  const at = (index * 7919) % (bytes.length - 8);
  switch (index % 5) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      bytes.writeBigUInt64LE(BigInt(index * 97 + header + 1), 0);
      return bytes;
    case 2:
      // Inside the quoted names, sizes and offsets; padding is left out, since it says nothing.
      bytes[8 + ((index * 31) % (header - 8))]! ^= 1 << (index % 3);
      return bytes;
    case 3:
      bytes.writeUInt16LE(0x7e00, 8 + header + 2 * ((index * 131) % ((bytes.length - header - 8) >> 1)));
      return bytes;
    default:
      bytes[8 + header + ((index * 7919) % (bytes.length - header - 8))]! ^= 1 << (index % 8);
      return bytes;
  }
}
