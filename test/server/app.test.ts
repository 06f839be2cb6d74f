// Proves: every status that openapi.yaml documents is really sent, in the documented shape, and the next request works.
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { AppError } from '../../server/errors.js';
import {
  assertError,
  body,
  contract,
  documentedStatuses,
  hangingRun,
  result,
  serve,
  type TestServer,
} from './helpers.js';

/** "METHOD /path status" of every answer of this file. */
const seen = new Set<string>();

function file(content: string, path = 'a.py'): object {
  return { issue: 'Broken', files: [{ path, content }] };
}

describe('HTTP', () => {
  let server: TestServer;
  const nativeFetch = globalThis.fetch;

  before(() => {
    globalThis.fetch = async (input, init) => {
      const response = await nativeFetch(input, init);
      const { pathname } = new URL(response.url);
      seen.add(`${init?.method ?? 'GET'} ${pathname} ${response.status}`);
      return response;
    };
  });
  after(() => {
    globalThis.fetch = nativeFetch;
  });
  const start = async (environment: NodeJS.ProcessEnv = {}): Promise<void> => {
    server = await serve(environment);
  };
  const stop = async (): Promise<void> => {
    // Whatever was sent before, the next good request is answered.
    if (server.host.state === 'ready' && !server.admission.closed) {
      server.host.behaviour = () => Promise.resolve(result);
      const response = await server.post(body);
      assert.equal(response.status, 200);
      await response.arrayBuffer();
    }
    await server.close();
  };

  describe('POST /v1/patches', () => {
    afterEach(stop);

    it('answers in the documented shape and passes the request on', async () => {
      await start();
      const settings = { n: 2, seed: 7, temperature: 0.5, max_new_tokens: 64, max_time_ms: 5000, min_score: 0.2 };
      const response = await server.post({ ...body, ...settings });
      assert.equal(response.status, 200);
      const answer = (await response.json()) as Record<string, unknown>;
      assert.deepEqual(contract.schema('PatchAnswer')(answer), []);
      assert.equal(answer['id'], response.headers.get('x-request-id'));
      assert.equal(response.headers.get('x-powered-by'), null);
      assert.deepEqual(server.host.requests[0], { ...body, ...settings });
    });

    it('takes the issue as plain text: first line title, rest body', async () => {
      await start();
      await server.post({ ...body, issue: '\n  Crash on start  \r\n\r\nIt says\nboom.\n' });
      assert.deepEqual(server.host.requests[0]?.issue, { title: 'Crash on start', body: 'It says\nboom.' });
    });

    it('sends an abstained answer as 200', async () => {
      await start();
      server.host.behaviour = () =>
        Promise.resolve({
          ...result,
          status: 'abstained',
          abstained_because: 'low_confidence',
          analysis: null,
          patches: [],
        });
      const response = await server.post(body);
      assert.equal(response.status, 200);
      assert.deepEqual(contract.schema('PatchAnswer')(await response.json()), []);
    });

    it('keeps a request id that is a UUID, replaces any other', async () => {
      await start();
      const id = '01234567-89ab-4cde-8f01-23456789abcd';
      const headers = { 'content-type': 'application/json' };
      const kept = await server.post(body, { headers: { ...headers, 'x-request-id': id } });
      assert.equal(kept.headers.get('x-request-id'), id);
      const replaced = await server.post(body, { headers: { ...headers, 'x-request-id': 'x'.repeat(100) } });
      assert.match(replaced.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
    });

    const malformed: [string, string | Uint8Array][] = [
      ['cut off', '{"issue": "x", "files": ['],
      ['empty text', ' '],
      ['not JSON', 'issue=x'],
      ['invalid UTF-8', new Uint8Array([...Buffer.from('{"issue":"'), 0xff, 0xfe, ...Buffer.from('"}')])],
    ];
    for (const [name, text] of malformed) {
      it(`400 malformed_json: ${name}`, async () => {
        await start();
        await assertError(await server.post(text), 400, 'malformed_json');
      });
    }

    it('415 unsupported_media_type: other types, charsets and encodings', async () => {
      await start();
      for (const headers of [
        { 'content-type': 'text/plain' },
        { 'content-type': 'application/x-www-form-urlencoded' },
        { 'content-type': 'application/json; charset=utf-16le' },
        { 'content-type': 'application/json; charset=latin1' },
        { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      ]) {
        await assertError(await server.post(JSON.stringify(body), { headers }), 415, 'unsupported_media_type');
      }
      const nothing = await fetch(`${server.url}/v1/patches`, { method: 'POST' });
      await assertError(nothing, 415, 'unsupported_media_type');
    });

    const invalid: [string, unknown, string][] = [
      ['no object', [], ''],
      ['null', null, ''],
      ['a text', '"issue"', ''],
      ['no issue', { files: body.files }, '/issue'],
      ['no files', { issue: 'x' }, '/files'],
      ['an empty list of files', { issue: 'x', files: [] }, '/files'],
      ['unknown field', { ...body, language: 'python' }, '/language'],
      ['unknown field in a file', { issue: 'x', files: [{ path: 'a', content: '', mode: 1 }] }, '/files/0/mode'],
      ['unknown field in the issue', { ...body, issue: { title: 'x', labels: [] } }, '/issue/labels'],
      ['__proto__', '{"issue":"x","files":[{"path":"a","content":""}],"__proto__":{}}', '/__proto__'],
      ['issue without title', { ...body, issue: { body: 'x' } }, '/issue/title'],
      ['issue of wrong type', { ...body, issue: 7 }, '/issue'],
      ['file content of wrong type', { issue: 'x', files: [{ path: 'a', content: 1 }] }, '/files/0/content'],
      ['file without content', { issue: 'x', files: [{ path: 'a' }] }, '/files/0/content'],
      ['n of wrong type', { ...body, n: '1' }, '/n'],
      ['n too small', { ...body, n: 0 }, '/n'],
      ['n not whole', { ...body, n: 1.5 }, '/n'],
      ['n over the limit', { ...body, n: 9 }, '/n'],
      ['negative temperature', { ...body, temperature: -1 }, '/temperature'],
      ['seed too large', { ...body, seed: 2 ** 32 }, '/seed'],
      ['max_time_ms of 0', { ...body, max_time_ms: 0 }, '/max_time_ms'],
      ['min_score above 1', { ...body, min_score: 1.5 }, '/min_score'],
      ['max_new_tokens over the limit', { ...body, max_new_tokens: 100_000 }, '/max_new_tokens'],
      ['deep nesting', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, ''],
    ];
    for (const [name, content, path] of invalid) {
      it(`422 invalid_request: ${name}`, async () => {
        await start();
        const { details } = await assertError(await server.post(content), 422, 'invalid_request');
        assert.ok(
          details.some((detail) => detail.path === path),
          JSON.stringify(details),
        );
        assert.equal(server.host.requests.length, 0);
      });
    }

    it('names the limit in the message', async () => {
      await start({ MAX_PATCHES: '3', MAX_NEW_TOKENS: '50' });
      const { details } = await assertError(
        await server.post({ ...body, n: 4, max_new_tokens: 51 }),
        422,
        'invalid_request',
      );
      assert.deepEqual(
        details.map((detail) => detail.message),
        ['must be at most 3 (MAX_PATCHES)', 'must be at most 50 (MAX_NEW_TOKENS)'],
      );
    });

    for (const issue of ['', ' \n\t', { title: '' }, { title: ' ', body: '\n' }]) {
      it(`422 empty_issue: ${JSON.stringify(issue)}`, async () => {
        await start();
        await assertError(await server.post({ ...body, issue }), 422, 'empty_issue');
      });
    }

    for (const path of [
      '/etc/passwd',
      '../a.py',
      'a/../b.py',
      './a.py',
      'a//b.py',
      'a/',
      'a\\b.py',
      'C:/a.py',
      'c:a.py',
      'a\0.py',
      'a\nb.py',
      'a\tb.py',
      '.git/config',
      'a/.GIT/b.py',
      'git~1/a.py',
      '.git./a.py',
      '.git /a.py',
      '.git::$INDEX/a.py',
      'sub/.GIT/hooks/x',
      '\ud800.py',
    ]) {
      it(`422 invalid_path: ${JSON.stringify(path)}`, async () => {
        await start();
        const { details } = await assertError(await server.post(file('x\n', path)), 422, 'invalid_path');
        assert.equal(details[0]?.path, '/files/0/path');
      });
    }

    for (const path of [
      'a.py',
      'a b.py',
      'ä/ö.py',
      '...',
      '.github/x.py',
      '.gitignore',
      'git~1.py',
      'a..b.py',
      '-x',
      '日本.py',
      'a"b.py',
    ]) {
      it(`takes the path ${JSON.stringify(path)}`, async () => {
        await start();
        assert.equal((await server.post(file('x\n', path))).status, 200);
      });
    }

    it('422 duplicate_path: twice the same, or a file that another needs as its folder', async () => {
      await start();
      const files = (...paths: string[]): object => ({
        issue: 'x',
        files: paths.map((path) => ({ path, content: '' })),
      });
      const { details } = await assertError(await server.post(files('a.py', 'b.py', 'a.py')), 422, 'duplicate_path');
      assert.equal(details[0]?.path, '/files/2/path');
      await assertError(await server.post(files('a', 'a/b.py')), 422, 'duplicate_path');
    });

    it('422 binary_content: NUL or an unpaired surrogate, in file or issue', async () => {
      await start();
      await assertError(await server.post(file('ELF\0\0')), 422, 'binary_content');
      await assertError(await server.post(file('x = "\ud800"\n')), 422, 'binary_content');
      await assertError(await server.post({ ...body, issue: 'a\0b' }), 422, 'binary_content');
    });

    it('413 with the limit in the message: files, file, issue, body', async () => {
      await start({ MAX_FILES: '2', MAX_FILE_BYTES: '100', MAX_ISSUE_BYTES: '60', MAX_BODY_BYTES: '2048' });
      const three = ['a', 'b', 'c'].map((path) => ({ path, content: '' }));
      const files = await assertError(await server.post({ issue: 'x', files: three }), 413, 'too_many_files');
      assert.match(files.message, /at most 2 .*MAX_FILES/);
      const large = await assertError(await server.post(file('ä'.repeat(51))), 413, 'file_too_large');
      assert.match(large.message, /100 bytes \(MAX_FILE_BYTES\)/);
      const issue = await assertError(await server.post({ ...body, issue: 'x'.repeat(61) }), 413, 'issue_too_large');
      assert.match(issue.message, /60 bytes \(MAX_ISSUE_BYTES\)/);
      const whole = await assertError(await server.post(file('x'.repeat(3000))), 413, 'body_too_large');
      assert.match(whole.message, /2048 bytes \(MAX_BODY_BYTES\)/);
    });

    it('413: 50 MB are refused before they are read, and the connection closes', async () => {
      await start();
      const length = 50 * 2 ** 20;
      const headers = { 'content-type': 'application/json', 'content-length': length };
      const outgoing = httpRequest(`${server.url}/v1/patches`, { method: 'POST', headers });
      outgoing.on('error', () => undefined);
      // One chunk only: the answer comes without the other 49 MB.
      outgoing.write(Buffer.alloc(2 ** 20, 'x'));
      const [response] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage];
      assert.equal(response.statusCode, 413);
      assert.equal(response.headers.connection, 'close');
      outgoing.destroy();
    });

    it('413: a body of unknown length is cut at the limit', async () => {
      await start({ MAX_BODY_BYTES: '4096' });
      const outgoing = httpRequest(`${server.url}/v1/patches`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
      });
      outgoing.on('error', () => undefined);
      for (let sent = 0; sent < 10; sent++) outgoing.write(Buffer.alloc(1024, 'x'));
      const [response] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage];
      assert.equal(response.statusCode, 413);
      outgoing.destroy();
    });

    it('429 with Retry-After when the queue is full, at once', async () => {
      await start({ QUEUE_SIZE: '1' });
      const hanging = hangingRun();
      server.host.behaviour = hanging.behaviour;
      const first = server.post(body);
      await hanging.entered;
      const second = server.post(body);
      while (server.admission.waiting === 0) await new Promise(setImmediate);
      const third = await server.post(body);
      await assertError(third, 429, 'overloaded');
      assert.match(third.headers.get('retry-after') ?? '', /^[1-9]\d*$/);
      hanging.finish();
      assert.deepEqual([(await first).status, (await second).status], [200, 200]);
    });

    it('503 queue_timeout when no worker frees in time', async () => {
      await start({ QUEUE_TIMEOUT_MS: '5' });
      const hanging = hangingRun();
      server.host.behaviour = hanging.behaviour;
      const first = server.post(body);
      await hanging.entered;
      await assertError(await server.post(body), 503, 'queue_timeout');
      hanging.finish();
      assert.equal((await first).status, 200);
    });

    it('504 deadline_exceeded, and the run is stopped', async () => {
      await start({ REQUEST_TIMEOUT_MS: '5' });
      server.host.behaviour = hangingRun().behaviour;
      await assertError(await server.post(body), 504, 'deadline_exceeded');
      assert.equal(server.admission.running, 0);
    });

    it('503 not_ready while the model loads', async () => {
      await start();
      server.host.state = 'loading';
      const response = await server.post(body);
      await assertError(response, 503, 'not_ready');
      assert.equal(response.headers.get('retry-after'), '1');
    });

    it('503 shutting_down for new and waiting requests; the running one is finished', async () => {
      await start();
      const hanging = hangingRun();
      server.host.behaviour = hanging.behaviour;
      const running = server.post(body);
      await hanging.entered;
      const waiting = server.post(body);
      while (server.admission.waiting === 0) await new Promise(setImmediate);
      const idle = server.admission.close();
      await assertError(await waiting, 503, 'shutting_down');
      await assertError(await server.post(body), 503, 'shutting_down');
      hanging.finish();
      assert.equal((await running).status, 200);
      await idle;
    });

    it('503 shutting_down for a running request when the drain time is over', async () => {
      await start();
      const hanging = hangingRun();
      server.host.behaviour = hanging.behaviour;
      const running = server.post(body);
      await hanging.entered;
      server.drained.abort(new AppError('shutting_down', 'Over.'));
      await assertError(await running, 503, 'shutting_down');
    });

    it('500 inference_crashed and internal_error, without the text of the failure', async () => {
      await start();
      server.host.behaviour = () => Promise.reject(new AppError('inference_crashed', 'The worker stopped.'));
      await assertError(await server.post(body), 500, 'inference_crashed');
      server.host.behaviour = () => Promise.reject(new Error('secret'));
      const { message } = await assertError(await server.post(body), 500, 'internal_error');
      assert.doesNotMatch(message, /secret/);
    });

    it('a client that goes away frees its slot and stops its run', async () => {
      await start();
      const hanging = hangingRun();
      let aborted!: Promise<unknown>;
      server.host.behaviour = (request, options) => {
        aborted = once(options.signal, 'abort');
        return hanging.behaviour(request, options);
      };
      const leave = new AbortController();
      const lost = server.post(body, { signal: leave.signal });
      await hanging.entered;
      leave.abort();
      await assert.rejects(lost);
      await aborted;
      while (server.admission.running > 0) await new Promise(setImmediate);
      const text = await server.metrics.registry.metrics();
      assert.match(text, /agentic_requests_finished_total\{outcome="cancelled"\} 1/);
    });

    it('a client that goes away while waiting leaves the queue', async () => {
      await start();
      const hanging = hangingRun();
      server.host.behaviour = hanging.behaviour;
      const first = server.post(body);
      await hanging.entered;
      const leave = new AbortController();
      const lost = server.post(body, { signal: leave.signal });
      while (server.admission.waiting === 0) await new Promise(setImmediate);
      leave.abort();
      await assert.rejects(lost);
      while (server.admission.waiting > 0) await new Promise(setImmediate);
      hanging.finish();
      assert.equal((await first).status, 200);
      assert.equal(server.host.requests.length, 1);
    });

    it('a body that breaks off does no harm', async () => {
      await start();
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
      await once(socket, 'connect');
      const head =
        'POST /v1/patches HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"iss';
      await new Promise((resolve) => socket.write(head, resolve));
      socket.destroy();
      await once(socket, 'close');
    });
  });

  it('401 unauthorized without the key, when one is configured', async () => {
    await start({ API_KEY: 'key-of-the-tests' });
    await assertError(await server.post(body), 401, 'unauthorized');
    const headers = { 'content-type': 'application/json', authorization: 'Bearer key-of-the-tests' };
    assert.equal((await server.post(body, { headers })).status, 200);
    await server.close();
  });

  describe('operation', () => {
    afterEach(stop);

    it('GET /health is 200 whatever the model does', async () => {
      await start();
      for (const state of ['loading', 'restarting', 'ready'] as const) {
        server.host.state = state;
        const response = await fetch(`${server.url}/health`);
        assert.equal(response.status, 200);
        assert.deepEqual(contract.schema('Health')(await response.json()), []);
      }
    });

    it('GET /ready is 503 until warm, and again while shutting down', async () => {
      await start();
      server.host.state = 'loading';
      await assertError(await fetch(`${server.url}/ready`), 503, 'not_ready');
      server.host.state = 'restarting';
      await assertError(await fetch(`${server.url}/ready`), 503, 'not_ready');
      server.host.state = 'ready';
      const response = await fetch(`${server.url}/ready`);
      assert.equal(response.status, 200);
      assert.deepEqual(contract.schema('Ready')(await response.json()), []);
      await server.admission.close();
      await assertError(await fetch(`${server.url}/ready`), 503, 'shutting_down');
    });

    it('GET /metrics counts requests, stages, tokens and outcomes', async () => {
      await start();
      await server.post(body);
      await server.post({ ...body, n: 0 });
      const response = await fetch(`${server.url}/metrics`);
      assert.equal(response.status, 200);
      assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
      const text = await response.text();
      for (const line of [
        'http_requests_total{method="POST",path="/v1/patches",status="200"} 1',
        'agentic_requests_finished_total{outcome="applies"} 1',
        'agentic_requests_rejected_total{reason="invalid_request"} 1',
        'agentic_stage_duration_seconds_count{stage="encode"} 1',
        'agentic_generation_tokens_total{agent="code-generation"} 30',
        'agentic_prompt_tokens_total 80',
        'agentic_patches_total{label="stable",status="applies"} 1',
        'agentic_patch_syntax_total{verdict="valid"} 1',
        'agentic_patch_agreement_total{place="definition"} 1',
        'agentic_analysis_field_coverage_ratio_sum 1',
        'agentic_analysis_patch_overlap_ratio_sum 0.5',
        'agentic_agent_duration_seconds_sum{agent="issue-analysis",label="stable"} 0.003',
        'agentic_inter_token_latency_seconds_sum{agent="code-generation"} 0.003',
        'agentic_time_to_first_token_seconds_count{agent="code-generation"} 1',
        'agentic_token_logprob_mean_sum{agent="code-generation"} -0.5',
        'agentic_gate_activation_ratio_sum{agent="code-generation"} 0.25',
        'agentic_decoder_runs_total{agent="code-generation"} 4',
        'agentic_decoder_sequences_total{agent="code-generation"} 6',
        'agentic_release_leases{label="stable"} 0',
        'agentic_patch_changed_lines_sum 2',
        'agentic_ready 1',
      ]) {
        assert.ok(text.split('\n').includes(line), line);
      }
    });

    it('404 not_found, also for other spellings of a path', async () => {
      await start();
      for (const path of ['//', '/page', '/v1', '/v1/patches/', '/V1/patches', '/health/x', '/%', '/..%2f']) {
        await assertError(await fetch(`${server.url}${path}`), 404, 'not_found');
      }
    });

    it('405 method_not_allowed with Allow, on every path', async () => {
      await start();
      for (const path of Object.keys(contract.document.paths)) {
        const allowed = contract.methodsOf(path);
        for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter(
          (name) => !allowed.includes(name),
        )) {
          const response = await fetch(`${server.url}${path}`, { method });
          assert.equal(response.headers.get('allow'), allowed.join(', '));
          await assertError(response, 405, 'method_not_allowed');
        }
      }
      assert.equal((await fetch(`${server.url}/health`, { method: 'HEAD' })).status, 200);
    });
  });

  describe('openapi.yaml', () => {
    it('sent every documented status', () => {
      // Those of the other tags are sent in their own tests.
      const others = ['admin', 'feedback', 'github', 'openai', 'page'];
      const documented = documentedStatuses((tags) => !others.some((tag) => tags.includes(tag)));
      const missing = documented.filter((line) => !seen.has(line));
      assert.deepEqual(missing, []);
    });
  });
});
