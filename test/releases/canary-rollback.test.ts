// Proves: a canary whose answers are worse is taken away by the server itself, with the reason in event, history, metric and log.
import { strict as assert } from 'node:assert';
import { EventReader } from './event-reader.js';
import { SwapServer } from './swap-server.js';

const MIN_REQUESTS = 3;

describe('automatic rollback', () => {
  let server: SwapServer;
  before(async () => {
    server = await SwapServer.open();
  });
  after(() => server.close());

  it('takes a worse canary away once both have answered enough, and remembers it over a restart', async () => {
    // Of some random agents whose answers apply the one with the best is stable and the one with the worst the canary; a
    // threshold between the two scores makes the canary abstain.
    const scored: { generation: string; score: number }[] = [];
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const generation = await server.stored('code-generation', seed);
      const { stable } = await server.admin.releases();
      await server.admin.change('/v1/releases', { code_generation: generation, expected_release: stable.id });
      const [patch] = (await server.ask()).patches;
      if (patch?.status === 'applies') scored.push({ generation, score: patch.score });
    }
    scored.sort((a, b) => b.score - a.score);
    assert.ok(scored.length >= 2, JSON.stringify(scored));
    const [best, worst] = [scored[0]!, scored.at(-1)!];
    assert.ok(best.score > worst.score, JSON.stringify(scored));
    const { stable: last } = await server.admin.releases();
    await server.admin.change('/v1/releases', { code_generation: best.generation, expected_release: last.id });
    await server.kill();
    await server.start({
      ABSTAIN_BELOW: String((best.score + worst.score) / 2),
      CANARY_MIN_REQUESTS: String(MIN_REQUESTS),
      CANARY_SLOWDOWN: '1000',
    });
    const events = await EventReader.open(server.admin);
    const { stable } = await server.admin.releases();
    const { canary } = await server.admin.change('/v1/releases', {
      code_generation: worst.generation,
      label: 'canary',
      weight: 0.5,
      expected_release: null,
    });
    assert.ok(canary);
    await events.next('release');

    const answered = { stable: 0, canary: 0 };
    for (let key = 0; Math.min(answered.stable, answered.canary) < MIN_REQUESTS; key++) {
      const { canary: present } = await server.admin.releases();
      assert.ok(present, `taken away too early: ${JSON.stringify(answered)}`);
      const { release } = await server.ask(`user ${key}`);
      answered[release.id === canary.release.id ? 'canary' : 'stable'] += 1;
    }
    const { data } = await events.next('release');
    events.close();
    assert.deepEqual([data['action'], data['label']], ['automatic_rollback', 'canary']);
    const reason = new RegExp(
      `^quality: 0\\.0 % of its answers apply, 100\\.0 % of those of stable, after ${answered.canary} requests \\(stable: ${answered.stable}\\)$`,
    );
    assert.match(String(data['reason']), reason);
    const after = await server.admin.releases();
    assert.equal(after.canary, null);
    assert.equal(after.stable.id, stable.id);
    assert.equal(after.history.at(-1)?.reason, data['reason']);
    for (let key = 0; key < 8; key++) assert.equal((await server.ask(`user ${key}`)).release.id, stable.id);
    assert.equal(await server.process.metric('agentic_release_changes_total{action="automatic_rollback"}'), 1);
    assert.ok(server.process.log.some((line) => JSON.stringify(line).includes(String(data['reason']))));

    await server.kill();
    await server.start();
    const again = await server.admin.releases();
    assert.equal(again.canary, null);
    assert.equal(again.history.at(-1)?.action, 'automatic_rollback');
  });
});
