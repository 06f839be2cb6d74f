// Proves: what is published, refused, promoted and scored shows in the metrics of the real server.
import { strict as assert } from 'node:assert';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../server/config.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { body } from '../server/helpers.js';
import { ServerProcess } from '../server/server-process.js';
import { AdminClient, KEY } from './admin-client.js';
import { saveRandomAgent } from './tiny-agents.js';

describe('metrics of a swap', () => {
  let folder: string;
  let server: ServerProcess;
  const admin = new AdminClient(() => server.url);
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'agentic-seq2seq-'));
    // One row: on a busy machine a thread of the lowest priority gets little time.
    const [row = ''] = (await readFile(join(packageRoot, 'deploy', 'probe-rows.jsonl'), 'utf8')).split('\n');
    await writeFile(join(folder, 'rows.jsonl'), row);
    server = new ServerProcess({
      MODEL_DIR: TINY_DIRECTORY,
      AGENTS_DIR: TINY_DIRECTORY,
      ABSTAIN_BELOW: '0',
      THREADS: '1',
      ADMIN_API_KEY: KEY,
      STORE_DIR: join(folder, 'store'),
      PROBE_ROWS: join(folder, 'rows.jsonl'),
    });
    await server.logged('ready');
  });
  after(async () => {
    await server.stop('SIGKILL');
    await rm(folder, { recursive: true });
  });

  const crossEntropy = (label: string): Promise<number> =>
    server.metric(`agentic_probe_cross_entropy_nats{agent="code-generation",label="${label}"}`);

  it('a canary is counted, named, held in memory and scored; promoting it scores nothing again', async function () {
    this.timeout(600_000);
    await server.logged('release scored');
    const bytes = await server.metric('agentic_resident_agent_bytes');
    const { file, agent } = await saveRandomAgent(folder, 'code-generation', 7);
    await admin.store(file);
    assert.equal(await server.metric('agentic_agent_loads_total{outcome="stored"}'), 1);
    assert.equal((await admin.upload(Buffer.from('no agent'))).status, 422);
    assert.equal(await server.metric('agentic_agent_loads_total{outcome="agent_truncated"}'), 1);

    const canary = { label: 'canary', weight: 1, code_generation: agent.generation, expected_release: null };
    const { canary: published } = await admin.change('/v1/releases', canary);
    assert.equal(await server.metric('agentic_release_changes_total{action="publish"}'), 1);
    const named = `agentic_agent_info{agent="code-generation",label="canary",generation="${agent.generation}"}`;
    assert.equal(await server.metric(named), 1);
    assert.equal(await server.metric('agentic_resident_agents'), 3);
    assert.ok((await server.metric('agentic_resident_agent_bytes')) > bytes);
    // Answered by the canary, whether or not it has been scored.
    assert.equal((await server.post(body)).status, 200);
    assert.equal(
      await server.metric('agentic_agent_duration_seconds_count{agent="code-generation",label="canary"}'),
      1,
    );
    await server.logged('release scored', 2);
    const scored = await crossEntropy('canary');
    assert.notEqual(scored, await crossEntropy('stable'));

    assert.equal((await admin.send('/v1/releases', { ...canary, weight: 0.5 })).status, 409);
    assert.equal(await server.metric('agentic_release_refusals_total{code="release_conflict"}'), 1);

    await admin.change('/v1/releases/promote', { expected_release: published!.release.id });
    assert.equal(await crossEntropy('stable'), scored);
    await assert.rejects(crossEntropy('canary'), /no metric/);
    await assert.rejects(server.metric(named), /no metric/);
    assert.equal(await server.metric('agentic_probe_runs_total{outcome="scored"}'), 2);
    assert.ok((await server.metric('agentic_release_last_change_timestamp_seconds')) > 1e9);
  });
});
