// Proves: a streamed answer is told as it is made and ends with the whole answer; failures midway are events with a stable
// code; a client that goes stops the decoding and frees the place.
import { strict as assert } from 'node:assert';
import { AppError } from '../../server/errors.js';
import type { RunOptions } from '../../server/inference/host.js';
import { allEvents, eventsOf } from './events.js';
import { longRequest } from './end-to-end.js';
import { assertError, body, contract, hangingRun, result, serve, type TestServer } from './helpers.js';
import { startTinyServer, untilMetric } from './tiny-server.js';

const id = '01234567-89ab-4cde-8f01-23456789abcd';
const headers = { 'content-type': 'application/json', 'x-request-id': id };

/** What differs from call to call. */
const withoutTimes = (text: string): string => text.replace(/"timings":\{[^}]*\}/, '"timings":{}');

const tell = ({ onEvent }: RunOptions): void => {
  const window = result.windows[0]!;
  const analysis = result.analysis!;
  onEvent?.({ type: 'stage_started', stage: 'analysis' });
  onEvent?.({ type: 'text', stage: 'analysis', text: 'The last' });
  onEvent?.({ type: 'analysis', analysis, window });
  onEvent?.({ type: 'text', stage: 'code', text: '<|del|>' });
  onEvent?.({ type: 'candidate', patch: result.patches[0]! });
};

describe('POST /v1/patches with stream', () => {
  let server: TestServer;
  afterEach(() => server.close());

  it('tells tokens, analysis, candidate, then the answer that is sent without stream, each with the release', async () => {
    server = await serve();
    const whole = await (await server.post(body, { headers })).text();
    server.host.behaviour = (_request, options) => (tell(options), Promise.resolve(result));
    const response = await server.post({ ...body, stream: true }, { headers });
    assert.equal(response.headers.get('x-request-id'), id);
    const events = await allEvents(response);
    assert.deepEqual(
      events.map(({ name }) => name),
      ['token', 'analysis', 'token', 'candidate', 'patch', 'done'],
    );
    const release = (JSON.parse(whole) as { release: { id: string } }).release;
    for (const { data } of events) assert.equal((data?.['release'] as { id: string }).id, release.id);
    assert.deepEqual(events[0]?.data, { release: { id: release.id }, stage: 'analysis', text: 'The last' });
    assert.deepEqual(events[1]?.data?.['analysis'], result.analysis);
    assert.deepEqual(events[3]?.data?.['patch'], result.patches[0]);
    assert.equal(withoutTimes(events[4]!.text), withoutTimes(whole));
    assert.deepEqual(contract.schema('PatchAnswer')(events[4]?.data), []);
    assert.deepEqual(events[5]?.data, { id, release: { id: release.id } });
    // `stream` is about the answer: the pipeline is asked the same.
    assert.deepEqual(server.host.requests[1], server.host.requests[0]);
  });

  it('answers errors before a worker takes the request as without stream', async () => {
    server = await serve({ QUEUE_SIZE: '0' });
    await assertError(await server.post({ ...body, stream: true, issue: '' }), 422, 'empty_issue');
    await assertError(await server.post({ ...body, stream: 'yes' }), 422, 'invalid_request');
    const hanging = hangingRun();
    server.host.behaviour = hanging.behaviour;
    const first = server.post({ ...body, stream: true });
    await hanging.entered;
    await assertError(await server.post({ ...body, stream: true }), 429, 'overloaded');
    hanging.finish();
    assert.deepEqual(
      (await allEvents(await first)).map(({ name }) => name),
      ['patch', 'done'],
    );
  });

  const failures: [string, Error, string][] = [
    ['a worker that stops', new AppError('inference_crashed', 'The worker stopped.'), 'inference_crashed'],
    ['an unknown failure', new Error('secret'), 'internal_error'],
  ];
  for (const [name, error, code] of failures) {
    it(`ends with an error event: ${name}`, async () => {
      server = await serve();
      server.host.behaviour = (_request, options) => (tell(options), Promise.reject(error));
      const events = await allEvents(await server.post({ ...body, stream: true }));
      const last = events.at(-1);
      assert.equal(last?.name, 'error');
      const { release, ...answer } = last.data as { release: { id: string }; error: { code: string } };
      assert.match(release.id, /^[0-9a-f]{64}$/);
      assert.deepEqual(contract.schema('ErrorAnswer')(answer), []);
      assert.equal(answer.error.code, code);
      assert.doesNotMatch(last.text, /secret/);
      const metrics = await server.metrics.registry.metrics();
      assert.match(metrics, new RegExp(`agentic_requests_rejected_total\\{reason="${code}"\\} 1`));
      assert.match(metrics, /agentic_requests_finished_total\{outcome="failed"\} 1/);
      assert.equal(server.admission.running, 0);
    });
  }

  it('ends with deadline_exceeded when the time is over', async () => {
    server = await serve({ REQUEST_TIMEOUT_MS: '5' });
    server.host.behaviour = hangingRun().behaviour;
    const events = await allEvents(await server.post({ ...body, stream: true }));
    assert.equal((events.at(-1)?.data?.['error'] as { code: string }).code, 'deadline_exceeded');
  });

  it('a client that goes away frees its slot and stops its run', async () => {
    server = await serve();
    const hanging = hangingRun();
    server.host.behaviour = (request, options) => (tell(options), hanging.behaviour(request, options));
    const leave = new AbortController();
    const response = await server.post({ ...body, stream: true }, { signal: leave.signal });
    await hanging.entered;
    leave.abort();
    await assert.rejects(allEvents(response));
    while (server.admission.running > 0) await new Promise(setImmediate);
    const metrics = await server.metrics.registry.metrics();
    assert.match(metrics, /agentic_requests_finished_total\{outcome="cancelled"\} 1/);
  });
});

describe('streaming from the engine', () => {
  let server: Awaited<ReturnType<typeof startTinyServer>>;
  before(async () => {
    server = await startTinyServer();
  });
  after(() => server.close());
  const post = (content: object, init: RequestInit = {}): Promise<Response> =>
    fetch(`${server.url}/v1/patches`, { method: 'POST', headers, body: JSON.stringify(content), ...init });

  it('the patch event is the answer without stream; the tokens are the first analysis', async () => {
    const request = { ...body, n: 2, seed: 3, max_new_tokens: 40 };
    const whole = await (await post(request)).text();
    const events = await allEvents(await post({ ...request, stream: true }));
    const patch = events.find(({ name }) => name === 'patch');
    assert.equal(withoutTimes(patch!.text), withoutTimes(whole));
    const written = events.filter(({ name, data }) => name === 'token' && data?.['stage'] === 'analysis');
    const analysis = events.find(({ name }) => name === 'analysis')?.data?.['analysis'] as { problem: string };
    assert.ok(written.length > 3, 'token by token');
    assert.ok(
      written
        .map(({ data }) => data?.['text'])
        .join('')
        .includes(analysis.problem),
    );
    assert.equal(events.at(-1)?.name, 'done');
  });

  it('stops decoding and frees the place when the client goes after the first token', async () => {
    const leave = new AbortController();
    const response = await post({ ...(await longRequest()), stream: true }, { signal: leave.signal });
    for await (const event of eventsOf(response)) {
      assert.equal(event.name, 'token');
      break;
    }
    leave.abort();
    await untilMetric(server.url, 'agentic_requests_running', 0);
    // A run that had gone on to its end would be counted by its status, and its answer logged.
    await untilMetric(server.url, 'agentic_requests_finished_total{outcome="cancelled"}', 1);
    assert.equal(server.log.filter(({ msg }) => msg === 'patches').length, 2);
    assert.equal((await post({ ...body, max_new_tokens: 8 })).status, 200);
  });
});
