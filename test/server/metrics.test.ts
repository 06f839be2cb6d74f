// Proves: the figures of quality say what they claim, swaps and refusals are counted, and no client can make series without end.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PatchResult } from '../../pipeline/types.js';
import { packageRoot } from '../../server/config.js';
import { errorTable } from '../../server/errors.js';
import { releaseOf } from '../../server/inference/release.js';
import { RecentPatches } from '../../server/metrics/similarity.js';
import { Metrics, type Outcome } from '../../server/metrics.js';
import { body, contract, hangingRun, measures, result, serve, type TestServer } from './helpers.js';

const release = releaseOf('a'.repeat(64), 'c'.repeat(64));
const diff = (added: string, path = 'a.py'): string =>
  `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n@@ -1 +1 @@\n-old\n+${added}\n`;

/** The lines of /metrics that are series. */
async function series(metrics: Metrics): Promise<string[]> {
  const text = await metrics.registry.metrics();
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

async function valueOf(metrics: Metrics, name: string): Promise<number> {
  const line = (await series(metrics)).find((candidate) => candidate.startsWith(`${name} `));
  assert.ok(line !== undefined, name);
  return Number(line.slice(name.length + 1));
}

describe('similarity of recent patches', () => {
  const of = (...diffs: string[]): number => {
    const recent = new RecentPatches();
    for (const one of diffs) recent.add(one);
    return recent.similarity();
  };

  it('is 0 for nothing, one patch, and patches without a common word', () => {
    assert.deepEqual([of(), of(diff('a')), of(diff('return a'), diff('pass'))], [0, 0, 0]);
  });

  it('is 1 when different code gets the same lines: the agent has collapsed', () => {
    assert.equal(of(diff('return None', 'a.py'), diff('return None', 'b.py'), diff('return None', 'c.py')), 1);
  });

  it('is the mean of the pairs', () => {
    // {a b} {b c} {d}: a third of the first pair in common, nothing of the others.
    assert.ok(Math.abs(of(diff('a b'), diff('b c'), diff('d')) - 1 / 9) < 1e-12);
  });

  it('does not count the same request again, and forgets all but the last ten', () => {
    assert.equal(of(diff('a'), diff('a'), diff('a')), 0);
    const others = Array.from({ length: 10 }, (_, index) => diff(`word${index}`));
    assert.equal(of(diff('x', 'a.py'), diff('x', 'b.py'), ...others), 0);
  });
});

describe('metrics of quality', () => {
  const observe = async (change: Partial<PatchResult>): Promise<Metrics> => {
    const metrics = new Metrics();
    metrics.observeResult({ result: { ...result, ...change }, measures, release }, 'canary', 7);
    return metrics;
  };
  const first = result.patches[0]!;

  it('count by the label that answered', async () => {
    const metrics = await observe({});
    assert.equal(await valueOf(metrics, 'agentic_patches_total{label="canary",status="applies"}'), 1);
    assert.equal(await valueOf(metrics, 'agentic_patches_total{label="stable",status="applies"}'), 0);
  });

  it('tell where a patch is by the ranking’s agreement', async () => {
    for (const [weight, place] of [
      [0.5, 'line'],
      [undefined, 'definition'],
      [-0.7, 'elsewhere'],
    ] as const) {
      const reasons = weight === undefined ? [] : [{ name: 'agreement' as const, weight, detail: '' }];
      const metrics = await observe({ patches: [{ ...first, reasons }] });
      assert.equal(await valueOf(metrics, `agentic_patch_agreement_total{place="${place}"}`), 1);
    }
  });

  it('tell a file that no longer parses from one that was never parsed', async () => {
    for (const [weight, verdict] of [
      [0.3, 'valid'],
      [undefined, 'unknown'],
      [-6, 'invalid'],
    ] as const) {
      const reasons = weight === undefined ? [] : [{ name: 'syntax' as const, weight, detail: '' }];
      const metrics = await observe({ patches: [{ ...first, reasons }] });
      assert.equal(await valueOf(metrics, `agentic_patch_syntax_total{verdict="${verdict}"}`), 1);
    }
  });

  it('count an abstention with its reason, and the fields that an analysis fills', async () => {
    const analysis = { ...result.analysis!, line: '', hint: '' };
    const metrics = await observe({ status: 'abstained', abstained_because: 'no_candidate', patches: [], analysis });
    assert.equal(await valueOf(metrics, 'agentic_abstentions_total{reason="no_candidate"}'), 1);
    assert.equal(await valueOf(metrics, 'agentic_patches_total{label="canary",status="abstained"}'), 1);
    assert.equal(await valueOf(metrics, 'agentic_analysis_field_coverage_ratio_sum'), 0.6);
  });

  it('add the wait in the queue to the time to the first token', async () => {
    const metrics = await observe({});
    assert.equal(await valueOf(metrics, 'agentic_time_to_first_token_seconds_sum{agent="issue-analysis"}'), 0.01);
  });
});

describe('metrics of releases', () => {
  const other = releaseOf('b'.repeat(64), 'c'.repeat(64));

  it('name the generations behind both labels, and forget those of before', async () => {
    const metrics = new Metrics();
    metrics.releases.show({ stable: other, canary: null });
    metrics.releases.show({ stable: release, canary: { release: other, weight: 0.1 } });
    const info = (await series(metrics)).filter((line) => line.startsWith('agentic_agent_info'));
    assert.deepEqual(
      info.map((line) => /agent="([^"]*)",label="([^"]*)",generation="(.)/.exec(line)?.slice(1).join(' ')),
      ['issue-analysis stable a', 'code-generation stable c', 'issue-analysis canary b', 'code-generation canary c'],
    );
  });

  it('count leases by label, those of a release without one as retired, and the bytes held', async () => {
    const metrics = new Metrics();
    const state = { stable: release, canary: null, previous: [] };
    const leased = [
      { release, leases: 2 },
      { release: other, leases: 3 },
    ];
    const numbers = new Float32Array(5);
    const held = new Map([['a', { generation: 'a', tensors: { gate_b: numbers, gate_w: numbers } }]]);
    metrics.releases.read({ resident: new Set(['a']), leased, state }, { held });
    assert.equal(await valueOf(metrics, 'agentic_release_leases{label="stable"}'), 2);
    assert.equal(await valueOf(metrics, 'agentic_release_leases{label="retired"}'), 3);
    assert.equal(await valueOf(metrics, 'agentic_resident_agent_bytes'), 40);
  });

  it('count changes and say when the last was', async () => {
    const metrics = new Metrics();
    metrics.releases.changed('rollback');
    assert.equal(await valueOf(metrics, 'agentic_release_changes_total{action="rollback"}'), 1);
    assert.ok((await valueOf(metrics, 'agentic_release_last_change_timestamp_seconds')) > 1e9);
  });
});

describe('requests and their series', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await serve();
  });
  afterEach(() => server.close());

  it('a refused upload and a refused change are counted by code', async () => {
    await fetch(`${server.url}/v1/agents`, { method: 'POST' });
    await fetch(`${server.url}/v1/releases/promote`, { method: 'POST' });
    assert.equal(await valueOf(server.metrics, 'agentic_agent_loads_total{outcome="admin_off"}'), 1);
    assert.equal(await valueOf(server.metrics, 'agentic_release_refusals_total{code="admin_off"}'), 1);
  });

  it('GET /metrics answers while a request is computed, and shows its lease', async () => {
    const { behaviour, entered, finish } = hangingRun();
    server.host.behaviour = behaviour;
    const answer = server.post(body);
    await entered;
    const text = await (await fetch(`${server.url}/metrics`)).text();
    assert.match(text, /^agentic_release_leases\{label="stable"\} 1$/m);
    finish();
    await answer;
  });

  it('odd paths and methods make no series of their own', async () => {
    const odd = async (name: string): Promise<void> => {
      await fetch(`${server.url}/${name}?${name}`, { method: 'PUT' });
      await fetch(`${server.url}/v1/patches`, { method: name === 'a' ? 'PROPFIND' : 'MKCOL' });
    };
    await odd('a');
    const before = (await series(server.metrics)).length;
    for (const name of ['b', 'c', 'd/e', '%2f', 'health/']) await odd(name);
    assert.equal((await series(server.metrics)).length, before);
  });

  it('there are never more series than docs/operating.md says', async () => {
    const metrics = new Metrics();
    const observeHttp = (method: string, path: string, status: string): void => {
      metrics.httpRequests.inc({ method, path, status });
      metrics.httpDuration.observe({ method, path, status }, 1);
    };
    for (const [path, methods] of Object.entries(contract.document.paths)) {
      for (const [method, { responses }] of Object.entries(methods)) {
        for (const status of [...Object.keys(responses), '499']) {
          observeHttp(method.toUpperCase(), path, status);
          if (method === 'get') observeHttp('HEAD', path, status);
        }
      }
      for (const status of ['405', '499']) observeHttp('other', path, status);
    }
    for (const status of ['404', '499']) observeHttp('other', 'unknown', status);
    for (const code of Object.keys(errorTable)) {
      metrics.rejected.inc({ reason: code });
      metrics.releases.answered('/v1/agents', code);
      metrics.releases.answered('/v1/releases', code);
    }
    for (const outcome of [
      'applies',
      'syntax_error',
      'abstained',
      'completed',
      'failed',
      'deadline',
      'cancelled',
    ] satisfies Outcome[]) {
      metrics.observeOutcome(outcome, 1);
    }
    metrics.feedback.show({ accepted: 1, rejected: 1, corrected: 1 });
    metrics.agents.generationTokens.inc({ agent: 'backbone' });
    for (const label of ['stable', 'canary'] as const) {
      for (const status of ['applies', 'syntax_error'] as const) {
        const patches = [{ ...result.patches[0]!, status }];
        metrics.observeResult({ result: { ...result, patches }, measures, release }, label, 1);
      }
      const abstained: PatchResult = { ...result, patches: [], abstained_because: 'low_confidence' };
      metrics.observeResult({ result: abstained, measures, release }, label, 1);
      const score = { cross_entropy: 1, accuracy: 1 };
      metrics.probe.show(label, { 'issue-analysis': score, 'code-generation': score });
    }
    metrics.releases.show({ stable: release, canary: { release, weight: 1 } });
    metrics.releases.changed('start');
    const count = (await series(metrics)).filter((line) => /^(?:agentic|http)_/.test(line)).length;
    const text = readFileSync(join(packageRoot, 'docs', 'operating.md'), 'utf8');
    const stated = Number(/at most ([\d,]+) series/.exec(text)?.[1]?.replace(',', ''));
    assert.ok(count <= stated, `${count} series, ${stated} stated`);
    // A bound far above what can be is no bound.
    assert.ok(count > 0.5 * stated, `${count} series, ${stated} stated`);
  });
});
