// Proves: under several clients at once the counters add up to what was sent, and the number of series does not grow with it.
import { strict as assert } from 'node:assert';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { body } from './helpers.js';
import { ServerProcess } from './server-process.js';

const CLIENTS = 8;

describe('metrics under load', () => {
  let server: ServerProcess;
  before(async () => {
    server = new ServerProcess({
      MODEL_DIR: TINY_DIRECTORY,
      AGENTS_DIR: TINY_DIRECTORY,
      ABSTAIN_BELOW: '0',
      THREADS: '1',
      // Fewer than wait at times: some are refused.
      QUEUE_SIZE: '1',
    });
    await server.logged('ready');
  });
  after(() => server.stop('SIGKILL'));

  /** Each client sends one request after the other; returns how many answers had which status. */
  async function load(): Promise<Map<number, number>> {
    const statuses = new Map<number, number>();
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, client) => {
        for (let turn = 0; turn < 3; turn++) {
          const isSound = turn % 3 !== client % 3;
          const response = await server.post(isSound ? { ...body, max_new_tokens: 8 } : { ...body, n: 0 });
          await response.arrayBuffer();
          statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        }
      }),
    );
    return statuses;
  }

  async function scrape(): Promise<Map<string, number>> {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const lines = text.split('\n').filter((line) => /^(?:agentic|http)_/.test(line));
    return new Map(lines.map((line) => [line.replace(/ \S+$/, ''), Number(/ (\S+)$/.exec(line)?.[1])]));
  }

  it('add up, and keep to their series', async () => {
    const sent = await load();
    const first = await scrape();
    for (const [status, count] of await load()) sent.set(status, (sent.get(status) ?? 0) + count);
    const series = await scrape();
    const sum = (start: string): number =>
      [...series].reduce((total, [name, value]) => (name.startsWith(start) ? total + value : total), 0);
    assert.deepEqual([...sent.keys()].sort(), [200, 422, 429]);
    for (const [status, count] of sent) {
      assert.equal(series.get(`http_requests_total{method="POST",path="/v1/patches",status="${status}"}`), count);
    }
    const answered = sent.get(200)!;
    assert.equal(sum('agentic_requests_finished_total{'), answered);
    assert.equal(sum('agentic_e2e_request_latency_seconds_count{'), answered);
    assert.equal(series.get('agentic_request_queue_time_seconds_count'), answered);
    assert.equal(series.get('agentic_agent_duration_seconds_count{agent="code-generation",label="stable"}'), answered);
    assert.equal(sum('agentic_patches_total{'), answered);
    assert.equal(sum('agentic_abstentions_total{') + sum('agentic_patch_agreement_total{'), answered);
    assert.equal(series.get('agentic_requests_rejected_total{reason="overloaded"}'), sent.get(429));
    assert.equal(series.get('agentic_requests_rejected_total{reason="invalid_request"}'), sent.get(422));
    assert.equal(series.get('agentic_requests_running'), 0);
    assert.equal(series.get('agentic_release_leases{label="stable"}'), 0);
    // Only the first scrape itself can be new.
    const added = [...series.keys()].filter((name) => !first.has(name));
    assert.deepEqual(
      added.filter((name) => !name.includes('path="/metrics"')),
      [],
    );
  });
});
