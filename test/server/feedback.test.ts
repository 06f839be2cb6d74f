// Proves: a verdict is kept durably with its request, without what the user marked; every documented status is sent.
import { strict as assert } from 'node:assert';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FeedbackRecord } from '../../server/feedback/record.js';
import { allEvents } from './events.js';
import { assertError, body, contract, result, serve, type TestServer } from './helpers.js';

const DAY_MS = 24 * 3600 * 1000;
const correction =
  '--- a/shop/pages.py\n+++ b/shop/pages.py\n@@ -2,1 +2,1 @@\n-    return len(items) // size\n+    return 1\n';

describe('feedback', () => {
  let folder: string;
  let server: TestServer;
  let now: number;
  const statuses = new Set<string>();

  const start = async (environment: NodeJS.ProcessEnv = {}): Promise<void> => {
    server = await serve({ FEEDBACK_DIR: folder, ...environment }, () => now);
  };
  const restart = async (environment: NodeJS.ProcessEnv = {}): Promise<void> => {
    await server.close();
    await start(environment);
  };
  const ask = async (more: object = {}): Promise<string> => {
    const response = await server.post({ ...body, ...more });
    assert.equal(response.status, 200);
    return ((await response.json()) as { id: string }).id;
  };
  const judge = async (id: string, verdict: unknown, init: RequestInit = {}): Promise<Response> => {
    const response = await fetch(`${server.url}/v1/patches/${id}/feedback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(verdict),
      ...init,
    });
    statuses.add(String(response.status));
    return response;
  };
  const accepted = async (id: string, verdict: object): Promise<void> => {
    const response = await judge(id, verdict);
    const answer = (await response.json()) as object;
    assert.equal(response.status, 200, JSON.stringify(answer));
    assert.deepEqual(contract.schema('FeedbackAnswer')(answer), []);
  };
  const textOf = (id: string): Promise<string> => readFile(join(folder, `${id}.json`), 'utf8');
  const record = async (id: string): Promise<FeedbackRecord> => JSON.parse(await textOf(id)) as FeedbackRecord;
  const metrics = async (): Promise<string[]> => (await (await fetch(`${server.url}/metrics`)).text()).split('\n');

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'feedback-'));
    now = Date.parse('2026-01-01T00:00:00Z');
    await start();
  });
  afterEach(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });

  it('keeps a verdict with request and answer, and a second in the place of the first', async () => {
    const id = await ask();
    await accepted(id, { verdict: 'rejected', comment: 'Too clever.' });
    await accepted(id, { verdict: 'accepted' });
    const { issue, files, patches, feedback, time } = await record(id);
    assert.deepEqual({ issue, files }, body);
    assert.deepEqual(patches, [{ diff: result.patches[0]?.diff, analysis: result.analysis }]);
    assert.deepEqual(feedback, { time, verdict: 'accepted', patch: 0, diff: null, comment: null });
    assert.deepEqual(await readdir(folder), [`${id}.json`]);
  });

  it('takes a verdict after a restart, and a crash amid writing leaves the old record', async () => {
    const id = await ask();
    await writeFile(join(folder, `${id}.json.tmp`), '{"id":');
    await restart();
    assert.deepEqual(await readdir(folder), [`${id}.json`]);
    await accepted(id, { verdict: 'corrected', diff: correction });
    await restart();
    assert.equal((await record(id)).feedback?.diff, correction);
    assert.ok((await metrics()).includes('agentic_feedback{verdict="corrected"} 1'));
  });

  it('refuses a correction that does not apply to the files that were sent', async () => {
    const id = await ask();
    const refused = [
      ['quotes another line', correction.replace('//', '/')],
      ['another place', correction.replace('-2,1 +2,1', '-1,1 +1,1')],
      ['another file', correction.replaceAll('pages.py', 'page.py')],
      ['removes the file', correction.replace('b/shop/pages.py', '/dev/null')],
      [
        'changes nothing',
        '--- a/shop/pages.py\n+++ b/shop/pages.py\n@@ -2,1 +2,1 @@\n     return len(items) // size\n',
      ],
      ['twice the same file', correction + correction],
      ['no diff', 'return 1'],
      ['broken', correction.replace('-2,1', '-2,5')],
    ] as const;
    for (const [why, diff] of refused) {
      const error = await assertError(await judge(id, { verdict: 'corrected', diff }), 422, 'diff_does_not_apply');
      assert.equal(error.details[0]?.path, '/diff', why);
    }
    assert.equal((await record(id)).feedback, null);
    await accepted(id, { verdict: 'corrected', diff: correction.replaceAll('\n', '\r\n') });
  });

  it('refuses what does not fit the contract or the answer', async () => {
    const id = await ask();
    for (const wrong of [
      {},
      { verdict: 'fine' },
      { verdict: 'accepted', patch: 1 },
      { verdict: 'accepted', diff: correction },
      { verdict: 'corrected' },
      { verdict: 'accepted', redact: ['two\nlines'] },
    ]) {
      await assertError(await judge(id, wrong), 422, 'invalid_request');
    }
    const typed = (type: string, content: string): RequestInit => ({
      headers: { 'content-type': type },
      body: content,
    });
    await assertError(await judge(id, undefined, typed('text/plain', '{}')), 415, 'unsupported_media_type');
    await assertError(await judge(id, undefined, typed('application/json', '{')), 400, 'malformed_json');
    const large = { verdict: 'accepted', comment: 'x'.repeat(5 * 2 ** 20) };
    await assertError(await judge(id, large), 413, 'body_too_large');
  });

  it('takes a rejection of an answer without patches, but no acceptance', async () => {
    server.host.behaviour = () =>
      Promise.resolve({ ...result, status: 'abstained', abstained_because: 'low_confidence', patches: [] });
    const id = await ask();
    await assertError(await judge(id, { verdict: 'accepted' }), 422, 'invalid_request');
    await accepted(id, { verdict: 'rejected' });
  });

  it('is off without a folder, and 404 for ids that are unknown, expired or no ids at all', async () => {
    await restart({ FEEDBACK_DIR: '' });
    await assertError(await judge(await ask(), { verdict: 'accepted' }), 403, 'feedback_off');
    assert.deepEqual(await readdir(folder), []);
    await restart({ FEEDBACK_DAYS: '2' });
    const id = await ask();
    now += 2 * DAY_MS;
    await accepted(id, { verdict: 'accepted' });
    now += 1;
    for (const gone of [id, '00000000-0000-4000-8000-000000000000', '..%2f..%2fetc%2fpasswd']) {
      await assertError(await judge(gone, { verdict: 'accepted' }), 404, 'answer_not_found');
    }
    assert.deepEqual(await readdir(folder), []);
  });

  it('makes room by the oldest, those without a verdict first, and answers what is too large to be kept', async () => {
    const first = await ask();
    const bytes = Buffer.byteLength(await textOf(first));
    await restart({ FEEDBACK_MAX_BYTES: String(2 * bytes + 200) });
    await accepted(first, { verdict: 'accepted' });
    now += 1;
    const second = await ask();
    now += 1;
    const third = await ask();
    assert.deepEqual((await readdir(folder)).sort(), [`${first}.json`, `${third}.json`].sort());
    await assertError(await judge(second, { verdict: 'accepted' }), 404, 'answer_not_found');
    const large = await ask({ issue: 'x'.repeat(3 * bytes) });
    await assertError(await judge(large, { verdict: 'accepted' }), 404, 'answer_not_found');
  });

  it('never writes what the request marks, nor keeps what the feedback marks', async () => {
    const id = await ask({ redact: ['len(items)', 'last page'] });
    const kept = await textOf(id);
    assert.doesNotMatch(kept, /len\(items\)|last page/);
    assert.equal(server.host.requests[0]?.files[0]?.content, body.files[0]?.content);
    // A correction quotes the marked line: with the mark repeated it fits, and is redacted as well.
    await assertError(await judge(id, { verdict: 'corrected', diff: correction }), 422, 'diff_does_not_apply');
    const marks = ['len(items)', '+', '10'];
    await accepted(id, { verdict: 'corrected', diff: correction, redact: marks, comment: 'len(items) + 10' });
    assert.doesNotMatch(await textOf(id), /len\(items\)|pages of 10/);
    const { feedback } = await record(id);
    assert.equal(feedback?.comment, '[redacted] [redacted] [redacted]');
    assert.equal(feedback.diff, correction.replace('len(items)', '[redacted]'));
  });

  it('answers when the folder cannot be written, and says 503 to a verdict', async () => {
    const id = await ask();
    await rm(folder, { recursive: true });
    await ask();
    await assertError(await judge(id, { verdict: 'accepted' }), 503, 'feedback_unavailable');
    await writeFile(folder, '');
  });

  it('shows verdicts and the share of accepted ones', async () => {
    assert.ok((await metrics()).includes('agentic_feedback_acceptance_ratio 0'));
    const [first, second] = [await ask(), await ask()];
    await accepted(first, { verdict: 'rejected' });
    await accepted(first, { verdict: 'accepted' });
    await accepted(second, { verdict: 'rejected' });
    const lines = await metrics();
    for (const line of [
      'agentic_feedback{verdict="accepted"} 1',
      'agentic_feedback{verdict="rejected"} 1',
      'agentic_feedback{verdict="corrected"} 0',
      'agentic_feedback_acceptance_ratio 0.5',
      'http_requests_total{method="POST",path="/v1/patches/{id}/feedback",status="200"} 3',
    ]) {
      assert.ok(lines.includes(line), line);
    }
  });

  it('keeps a streamed answer before its last events, under the id that they name', async () => {
    const events = await allEvents(await server.post({ ...body, stream: true, redact: ['items'] }));
    const id = events.at(-1)?.data?.['id'] as string;
    assert.equal(events.at(-2)?.data?.['id'], id);
    const { files, patches } = await record(id);
    assert.ok(!JSON.stringify(files).includes('items'));
    assert.equal(patches.length, result.patches.length);
    await accepted(id, { verdict: 'accepted' });
  });

  it('needs a key of the inference API when there is one', async () => {
    const id = await ask();
    await restart({ API_KEY: 'key' });
    await assertError(await judge(id, { verdict: 'accepted' }), 401, 'unauthorized');
    const headers = { 'content-type': 'application/json', authorization: 'Bearer key' };
    assert.equal((await judge(id, { verdict: 'accepted' }, { headers })).status, 200);
  });

  after('sent every documented status', () => {
    const { responses } = contract.document.paths['/v1/patches/{id}/feedback']!['post']!;
    const documented = Object.keys(responses).filter((status) => status !== '405');
    assert.deepEqual([...statuses].sort(), documented);
  });
});
