// Proves: the real process swaps agents while it serves: the next request gets the new pair, no request fails, none mixes two pairs.
import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { environmentWith, packageRoot } from '../../server/config.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { assertError } from '../server/helpers.js';
import { KEY } from './admin-client.js';
import { EventReader } from './event-reader.js';
import { SwapServer } from './swap-server.js';
import { saveRandomAgent } from './tiny-agents.js';

describe('swapping agents in a running server', () => {
  let server: SwapServer;
  before(async () => {
    server = await SwapServer.open({ WORKERS: '2' });
  });
  after(() => server.close());

  it('serves the new pair to the very next request, and after a rollback the old one, byte for byte', async () => {
    const first = await server.ask();
    const generation = await server.stored('code-generation', 1);
    const { stable, canary } = await server.admin.change('/v1/releases', {
      code_generation: generation,
      expected_release: first.release.id,
    });
    assert.equal(canary, null);
    assert.equal(stable.code_generation, generation);
    assert.equal(stable.issue_analysis, first.release.issue_analysis);
    const second = await server.ask();
    assert.deepEqual(second.release, stable);
    assert.notDeepEqual(second.patches, first.patches);
    await server.admin.change('/v1/releases/rollback', { expected_release: stable.id });
    assert.deepEqual(await server.ask(), first);
    const ready = (await (await fetch(`${server.process.url}/ready`)).json()) as { release: object };
    assert.deepEqual(ready.release, first.release);
  });

  it('publishing is compare-and-set, and the same pair again changes nothing', async () => {
    const { stable } = await server.admin.releases();
    const generation = await server.stored('code-generation', 2);
    const wrong = { code_generation: generation, expected_release: 'f'.repeat(64) };
    await assertError(await server.admin.send('/v1/releases', wrong), 409, 'release_conflict');
    assert.equal((await server.admin.releases()).stable.id, stable.id);
    const right = { code_generation: generation, expected_release: stable.id };
    const published = await server.admin.change('/v1/releases', right);
    const again = await server.admin.change('/v1/releases', right);
    assert.deepEqual(again.history, published.history);
    const unknown = { code_generation: 'e'.repeat(64), expected_release: published.stable.id };
    await assertError(await server.admin.send('/v1/releases', unknown), 404, 'generation_not_found');
    const swapped = { issue_analysis: generation, expected_release: published.stable.id };
    await assertError(
      await server.admin.send('/v1/releases', { ...swapped, label: 'canary' }),
      409,
      'release_conflict',
    );
    const other = await server.stored('code-generation', 3);
    await assertError(
      await server.admin.send('/v1/releases', { issue_analysis: other, expected_release: published.stable.id }),
      422,
      'agent_wrong_name',
    );
    await server.admin.change('/v1/releases/rollback', { expected_release: published.stable.id });
  });

  it('one change at a time: the others are told at once', async () => {
    const { file } = await saveRandomAgent(server.folder, 'code-generation', 4);
    const bytes = await readFile(file);
    const responses = await Promise.all(Array.from({ length: 6 }, () => server.admin.upload(bytes)));
    const statuses = responses.map(({ status }) => status);
    assert.ok(statuses.includes(200));
    for (const response of responses.filter(({ status }) => status !== 200)) {
      await assertError(response, 429, 'publish_busy');
    }
  });

  it('a canary gets its share by key, is promoted, and both answers name their pair', async () => {
    const { stable } = await server.admin.releases();
    const generation = await server.stored('issue-analysis', 5);
    const published = await server.admin.change('/v1/releases', {
      issue_analysis: generation,
      label: 'canary',
      weight: 0.5,
      expected_release: null,
    });
    const canary = published.canary!.release;
    const keys = Array.from({ length: 24 }, (_, index) => `user ${index}`);
    const draw = (): Promise<string[]> => Promise.all(keys.map(async (key) => (await server.ask(key)).release.id));
    const drawn = await draw();
    assert.deepEqual(new Set(drawn), new Set([stable.id, canary.id]));
    assert.deepEqual(await draw(), drawn);
    await assertError(
      await server.admin.send('/v1/releases/promote', { expected_release: stable.id }),
      409,
      'release_conflict',
    );
    const promoted = await server.admin.change('/v1/releases/promote', { expected_release: canary.id });
    assert.equal(promoted.stable.id, canary.id);
    assert.equal(promoted.canary, null);
    assert.equal((await server.ask()).release.id, canary.id);
    await server.admin.change('/v1/releases/rollback', { expected_release: canary.id });
    await assertError(
      await server.admin.send('/v1/releases/rollback', { label: 'canary', expected_release: canary.id }),
      409,
      'release_conflict',
    );
  });

  it('swap storm: no failed request, no mixed pair, each output that of its pair', async () => {
    const pairs = [
      await server
        .stored('issue-analysis', 10)
        .then(async (a) => [a, await server.stored('code-generation', 10)] as const),
      await server
        .stored('issue-analysis', 11)
        .then(async (a) => [a, await server.stored('code-generation', 11)] as const),
    ];
    let current = (await server.admin.releases()).stable;
    const publish = async (index: number): Promise<void> => {
      const [issue, code] = pairs[index % 2]!;
      const change = { issue_analysis: issue, code_generation: code, expected_release: current.id };
      current = (await server.admin.change('/v1/releases', change)).stable;
    };
    const expected = new Map<string, unknown>();
    for (const index of [0, 1]) {
      await publish(index);
      const answer = await server.ask();
      expected.set(answer.release.id, answer);
    }
    let isOver = false;
    let answered = 0;
    const clients = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        const answer = await server.ask();
        assert.deepEqual(answer, expected.get(answer.release.id));
        answered += 1;
      }
    });
    for (let index = 0; index < 40; index++) await publish(index);
    isOver = true;
    await Promise.all(clients);
    assert.ok(answered > 8, String(answered));
    await server.process.untilMetric('agentic_requests_running', 0);
    // Stable and the release before it: two pairs.
    await server.process.untilMetric('agentic_resident_agents', 4);
    assert.deepEqual((await server.admin.releases()).leased, []);
  });

  it('is changed from the command line', async () => {
    const run = async (...args: string[]): Promise<{ stable: { id: string; code_generation: string } }> => {
      const command = [join(packageRoot, 'dist/cli/main.js'), 'agents', ...args];
      const env = environmentWith({ ADMIN_API_KEY: KEY });
      const { stdout } = await promisify(execFile)(process.execPath, command, { env });
      return JSON.parse(stdout) as { stable: { id: string; code_generation: string } };
    };
    const { stable } = await server.admin.releases();
    const { file, agent } = await saveRandomAgent(server.folder, 'code-generation', 60);
    const onServer = ['--server', server.process.url];
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

  it('sends changes as events', async () => {
    const events = await EventReader.open(server.admin);
    const generation = await server.stored('code-generation', 40);
    const { stable } = await server.admin.releases();
    const { history } = await server.admin.change('/v1/releases', {
      code_generation: generation,
      expected_release: stable.id,
    });
    assert.equal((await events.next('agent')).data['generation'], generation);
    const { id, data } = await events.next('release');
    assert.equal(id, String(history.at(-1)!.seq));
    assert.deepEqual(data, history.at(-1));
    events.close();
  });
});
