// Proves: the OpenAI-compatible routes take what they can follow, refuse the rest by name, and answer and stream in OpenAI's shapes.
import { strict as assert } from 'node:assert';
import { AppError } from '../../server/errors.js';
import { mergeChunks } from '../../server/openai/objects.js';
import { allEvents, type ReceivedEvent } from './events.js';
import { assertError, contract, documentedStatuses, hangingRun, result, serve, type TestServer } from './helpers.js';

const chat = '/v1/chat/completions';
const text = '/v1/completions';
const content =
  'The last page is missing\n\n21 items make 2 pages.\n\n```python shop/pages.py\ndef f():\n    pass\n```\n';
const pipelineChat = { model: 'pipeline', messages: [{ role: 'user', content }] };
const rawText = { model: 'backbone', prompt: 'def f():' };

/** "METHOD /path status" of every answer of this file. */
const seen = new Set<string>();

describe('OpenAI-compatible routes', () => {
  let server: TestServer;
  afterEach(() => server.close());

  const noted = (method: string, path: string, response: Response): Response => {
    seen.add(`${method} ${contract.templateOf(path) ?? ''} ${response.status}`);
    return response;
  };
  const get = async (path: string): Promise<Response> => noted('GET', path, await fetch(`${server.url}${path}`));
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> => {
    const response = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return noted('POST', path, response);
  };
  const answer = async (path: string, body: unknown): Promise<Record<string, unknown>> => {
    const response = await post(path, body);
    const parsed = (await response.json()) as Record<string, unknown>;
    assert.equal(response.status, 200, JSON.stringify(parsed));
    assert.deepEqual(contract.schema(path === chat ? 'ChatCompletion' : 'TextCompletion')(parsed), []);
    return parsed;
  };

  it('ask for a key of the inference API when there is one', async () => {
    server = await serve({ API_KEY: 'key' });
    for (const path of ['/v1/models', '/v1/models/backbone']) {
      await assertError(await get(path), 401, 'unauthorized');
      const withKey = { headers: { authorization: 'Bearer key' } };
      assert.equal((await fetch(`${server.url}${path}`, withKey)).status, 200);
    }
    for (const [path, asked] of [
      [chat, pipelineChat],
      [text, rawText],
    ] as const) {
      await assertError(await post(path, asked), 401, 'unauthorized');
      const response = await post(path, { ...asked, stream: true }, { authorization: 'Bearer key' });
      assert.equal(response.status, 200);
      await allEvents(response);
    }
  });

  it('lists the models, with the generations that are served', async () => {
    server = await serve();
    const list = (await (await get('/v1/models')).json()) as { data: { id: string; adapter_generation: unknown }[] };
    assert.deepEqual(contract.schema('ModelList')(list), []);
    assert.deepEqual(
      list.data.map(({ id, adapter_generation: generation }) => [id, generation]),
      [
        ['pipeline', null],
        ['backbone', null],
        ['backbone:issue-analysis', 'a'.repeat(64)],
        ['backbone:code-generation', 'c'.repeat(64)],
      ],
    );
    const one = await get('/v1/models/backbone:issue-analysis');
    assert.deepEqual(await one.json(), list.data[2]);
    await assertError(await get('/v1/models/gpt-4o'), 404, 'model_not_found');
    server.host.state = 'loading';
    await assertError(await get('/v1/models'), 503, 'not_ready');
    await assertError(await get('/v1/models/pipeline'), 503, 'not_ready');
  });

  describe('pipeline', () => {
    it('reads issue and files from the last user message, answers with analysis and patch', async () => {
      server = await serve();
      const messages = [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'Before' },
        { role: 'assistant', content: null, tool_calls: [] },
        { role: 'user', content: [{ type: 'text', text: content }] },
      ];
      const body = { model: 'pipeline', messages, temperature: 0.5, seed: 7, max_completion_tokens: 64, top_p: 1 };
      const parsed = await answer(chat, body);
      assert.deepEqual(server.host.requests[0], {
        issue: { title: 'The last page is missing', body: '21 items make 2 pages.' },
        files: [{ path: 'shop/pages.py', content: 'def f():\n    pass\n' }],
        temperature: 0.5,
        seed: 7,
        max_new_tokens: 64,
      });
      const { message, finish_reason } = (parsed['choices'] as [{ message: object; finish_reason: string }])[0];
      const patch = `\`\`\`diff\n${result.patches[0]!.diff}\`\`\`\n`;
      assert.equal(finish_reason, 'stop');
      assert.ok((message as { content: string }).content.endsWith(patch));
      assert.deepEqual(parsed['usage'], { prompt_tokens: 80, completion_tokens: 70, total_tokens: 150 });
      assert.match(String(parsed['system_fingerprint']), /^[0-9a-f]{64}$/);
    });

    it('takes the same as a prompt', async () => {
      server = await serve();
      const parsed = await answer(text, { model: 'pipeline', prompt: [content] });
      assert.match((parsed['choices'] as [{ text: string }])[0].text, /```diff\n/);
      assert.equal(server.host.requests[0]?.files[0]?.path, 'shop/pages.py');
    });

    it('refuses what /v1/patches refuses, naming the messages', async () => {
      server = await serve({ MAX_ISSUE_BYTES: '60' });
      const ask = (text: string): Promise<Response> =>
        post(chat, { model: 'pipeline', messages: [{ role: 'user', content: text }] });
      const cases: [string, number, string][] = [
        ['Only an issue', 422, 'invalid_request'],
        ['```a.py\nx\n```', 422, 'empty_issue'],
        ['x\n```../a.py\nx\n```', 422, 'invalid_path'],
        ['x\n```a.py\n\0\n```', 422, 'binary_content'],
        [`${'x'.repeat(61)}\n\`\`\`a.py\nx\n\`\`\``, 413, 'issue_too_large'],
      ];
      for (const [content, status, code] of cases) {
        const { param, type } = await assertError(await ask(content), status, code);
        assert.deepEqual([param, type], ['messages', 'invalid_request_error'], code);
      }
      assert.equal(server.host.requests.length, 0);
    });
  });

  describe('backbone and agents', () => {
    it('passes the text on to the agent that is named', async () => {
      server = await serve();
      const body = { prompt: 'x', max_tokens: 9, temperature: 0.7, top_p: 0.9, seed: 3, stop: 'END' };
      for (const model of ['backbone', 'backbone:issue-analysis', 'backbone:code-generation']) {
        const parsed = await answer(text, { ...body, model });
        assert.deepEqual(parsed['choices'], [{ index: 0, logprobs: null, finish_reason: 'stop', text: 'text' }]);
        assert.deepEqual(parsed['usage'], { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 });
      }
      const common = { prompt: 'x', max_tokens: 9, temperature: 0.7, top_p: 0.9, seed: 3, stop: ['END'] };
      assert.deepEqual(
        server.host.completions,
        [null, 'issue-analysis', 'code-generation'].map((agent) => ({ ...common, agent })),
      );
      const metrics = await server.metrics.registry.metrics();
      assert.match(metrics, /agentic_requests_finished_total\{outcome="completed"\} 3/);
      assert.match(metrics, /agentic_generation_tokens_total\{agent="issue-analysis"\} 2/);
    });

    it('is greedy by default; 16 tokens of text, as many as allowed of a chat', async () => {
      server = await serve({ MAX_NEW_TOKENS: '50' });
      await answer(text, rawText);
      await answer(chat, { model: 'backbone', messages: [{ role: 'user', content: 'x' }] });
      const [first, second] = server.host.completions;
      assert.deepEqual(first, {
        agent: null,
        prompt: 'def f():',
        max_tokens: 16,
        temperature: 0,
        top_p: 1,
        seed: 0,
        stop: [],
      });
      assert.equal(second?.max_tokens, 50);
      const { param } = await assertError(await post(text, { ...rawText, max_tokens: 51 }), 422, 'invalid_request');
      assert.equal(param, 'max_tokens');
    });
  });

  describe('parameters', () => {
    const harmless = {
      user: 'me',
      metadata: { a: 'b' },
      service_tier: 'auto',
      n: 1,
      presence_penalty: 0,
      frequency_penalty: 0,
      logit_bias: {},
      logprobs: false,
      tools: [],
      tool_choice: 'none',
      response_format: { type: 'text' },
      store: null,
      stop: null,
    };
    it('ignores those that change nothing, and nulls', async () => {
      server = await serve();
      await answer(chat, { ...pipelineChat, ...harmless, stop: [] });
      await answer(chat, { model: 'backbone', messages: [{ role: 'user', content: 'x' }], ...harmless });
      await answer(text, { ...rawText, best_of: 1, echo: false, suffix: null, logprobs: null });
    });

    const refused: [string, string, object][] = [
      ['n', text, { ...rawText, n: 2 }],
      ['logprobs', text, { ...rawText, logprobs: 1 }],
      ['echo', text, { ...rawText, echo: true }],
      ['messages', text, { ...rawText, messages: [] }],
      ['max_completion_tokens', text, { ...rawText, max_completion_tokens: 5 }],
      ['tools', chat, { ...pipelineChat, tools: [{ type: 'function' }] }],
      ['response_format', chat, { ...pipelineChat, response_format: { type: 'json_object' } }],
      ['top_p', chat, { ...pipelineChat, top_p: 0.5 }],
      ['stop', chat, { ...pipelineChat, stop: ['x'] }],
      ['reasoning_effort', chat, { ...pipelineChat, reasoning_effort: 'low' }],
      ['__proto__', text, JSON.parse('{"model":"backbone","prompt":"x","__proto__":1}') as object],
      ['constructor', chat, { ...pipelineChat, constructor: 1 }],
      ['presence_penalty', chat, { ...pipelineChat, presence_penalty: 1 }],
      ['messages', chat, { model: 'backbone', messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }],
    ];
    for (const [name, path, body] of refused) {
      it(`400 unsupported_parameter: ${name} ${path}`, async () => {
        server = await serve();
        const { param, type } = await assertError(await post(path, body), 400, 'unsupported_parameter');
        assert.deepEqual([param, type], [name, 'invalid_request_error']);
      });
    }

    const invalid: [string | null, string, unknown][] = [
      [null, text, []],
      ['model', text, { prompt: 'x' }],
      ['prompt', text, { model: 'backbone' }],
      ['prompt', text, { model: 'backbone', prompt: ['a', 'b'] }],
      ['temperature', text, { ...rawText, temperature: 3 }],
      ['stop', text, { ...rawText, stop: ['1', '2', '3', '4', '5'] }],
      ['stream_options', text, { ...rawText, stream_options: { include_usage: true } }],
      ['messages', chat, { model: 'backbone', messages: [] }],
      ['messages', chat, { model: 'backbone', messages: [{ role: 'system', content: 'x' }] }],
      ['messages', chat, { model: 'backbone', messages: [{ role: 'robot', content: 'x' }] }],
    ];
    for (const [name, path, body] of invalid) {
      it(`422 invalid_request: ${JSON.stringify(body)}`, async () => {
        server = await serve();
        const { param } = await assertError(await post(path, body), 422, 'invalid_request');
        assert.equal(param, name);
      });
    }
  });

  for (const [path, body] of [
    [chat, pipelineChat],
    [text, rawText],
  ] as const) {
    it(`sends every documented error: ${path}`, async () => {
      server = await serve({ QUEUE_SIZE: '1', MAX_BODY_BYTES: '1024', REQUEST_TIMEOUT_MS: '100000' });
      const fail = (error: Error): void => {
        server.host.behaviour = () => Promise.reject(error);
        server.host.completion = () => Promise.reject(error);
      };
      await assertError(await post(path, '{"model"'), 400, 'malformed_json');
      await assertError(await post(path, body, { 'content-type': 'text/plain' }), 415, 'unsupported_media_type');
      await assertError(await post(path, { ...body, user: 'x'.repeat(1024) }), 413, 'body_too_large');
      const { param } = await assertError(await post(path, { ...body, model: 'gpt-4o' }), 404, 'model_not_found');
      assert.equal(param, 'model');
      fail(new AppError('context_length_exceeded', 'Too long.'));
      await assertError(await post(path, body), 400, 'context_length_exceeded');
      fail(new Error('secret'));
      const { message, type } = await assertError(await post(path, body), 500, 'internal_error');
      assert.equal(type, 'server_error');
      assert.doesNotMatch(message, /secret/);
      fail(new AppError('deadline_exceeded', 'Late.'));
      await assertError(await post(path, body), 504, 'deadline_exceeded');
      server.host.state = 'loading';
      const loading = await post(path, body);
      assert.equal(loading.headers.get('retry-after'), '1');
      await assertError(loading, 503, 'not_ready');
    });

    it(`429 when the queue is full; the gauge of adapters names those that are waited for: ${path}`, async () => {
      server = await serve({ QUEUE_SIZE: '1' });
      const hanging = hangingRun();
      server.host.behaviour = hanging.behaviour;
      server.host.completion = async (_request, options) => {
        await hanging.behaviour({ issue: { title: '', body: '' }, files: [] }, options);
        return { text: '', finish: 'stop', usage: { prompt_tokens: 0, completion_tokens: 0 } };
      };
      const gauge = async (waiting: string): Promise<void> => {
        const both = 'backbone:issue-analysis,backbone:code-generation';
        const labels = `max_lora="2",running_lora_adapters="${both}",waiting_lora_adapters="${waiting}"`;
        const line = (await server.metrics.registry.metrics()).match(/^vllm:lora_requests_info.*$/gm);
        assert.equal(line?.length, 1);
        assert.match(line[0], new RegExp(`^vllm:lora_requests_info\\{${labels}\\} \\d+`));
      };
      const first = post(path, body);
      await hanging.entered;
      await gauge('');
      const second = post(path, path === chat ? body : { ...body, model: 'backbone:code-generation' });
      while (server.admission.waiting === 0) await new Promise(setImmediate);
      await gauge(path === chat ? 'backbone:issue-analysis,backbone:code-generation' : 'backbone:code-generation');
      const { type } = await assertError(await post(path, body), 429, 'overloaded');
      assert.equal(type, 'rate_limit_error');
      hanging.finish();
      assert.deepEqual([(await first).status, (await second).status], [200, 200]);
      await gauge('');
    });
  }

  describe('streams', () => {
    const pieces = (events: readonly ReceivedEvent[], of: (choice: Record<string, unknown>) => unknown): unknown[] =>
      events.flatMap(({ data }) => ((data?.['choices'] ?? []) as Record<string, unknown>[]).map(of));

    it('a chat: role, text, reason, usage when asked for, [DONE]', async () => {
      server = await serve();
      const whole = await answer(chat, pipelineChat);
      const body = { ...pipelineChat, stream: true, stream_options: { include_usage: true } };
      const events = await allEvents(await post(chat, body));
      assert.equal(events.at(-1)?.text, '[DONE]');
      const deltas = pieces(events, ({ delta }) => delta) as { role?: string; content?: string }[];
      assert.deepEqual(deltas[0], { role: 'assistant', content: '' });
      const { message } = (whole['choices'] as [{ message: { content: string } }])[0];
      assert.equal(deltas.map(({ content = '' }) => content).join(''), message.content);
      assert.deepEqual(
        pieces(events, ({ finish_reason: reason }) => reason),
        [null, null, null, 'stop'],
      );
      assert.deepEqual(
        events.slice(0, -1).map(({ data }) => data?.['usage']),
        [null, null, null, null, whole['usage']],
      );
      for (const { name, data } of events.slice(0, -1)) {
        assert.equal(name, 'message');
        assert.equal(data?.['object'], 'chat.completion.chunk');
        assert.equal(data['system_fingerprint'], whole['system_fingerprint']);
        assert.equal(data['id'], events[0]?.data?.['id']);
      }
    });

    it('a text: pieces as they are written', async () => {
      server = await serve();
      server.host.completion = async (_request, { onEvent }) => {
        for (const text of ['a', 'b']) onEvent?.({ type: 'text', stage: 'completion', text });
        return { text: 'ab', finish: 'length', usage: { prompt_tokens: 1, completion_tokens: 2 } };
      };
      const events = await allEvents(await post(text, { ...rawText, stream: true }));
      assert.deepEqual(
        pieces(events, ({ text, finish_reason: reason }) => [text, reason]),
        [
          ['a', null],
          ['b', null],
          ['', 'length'],
        ],
      );
      assert.ok(events.slice(0, -1).every(({ data }) => data?.['object'] === 'text_completion' && !('usage' in data)));
      assert.equal(events.at(-1)?.text, '[DONE]');
    });

    it('an error midway is a chunk, and there is no [DONE]', async () => {
      server = await serve();
      server.host.completion = async (_request, { onEvent }) => {
        onEvent?.({ type: 'text', stage: 'completion', text: 'a' });
        throw new AppError('inference_crashed', 'The worker stopped.');
      };
      const events = await allEvents(await post(text, { ...rawText, stream: true }));
      assert.equal(events.length, 2);
      assert.deepEqual(contract.schema('OpenAiError')(events[1]?.data), []);
      assert.equal((events[1]?.data?.['error'] as { code: string }).code, 'inference_crashed');
    });

    it('pieces are joined for a client that reads slowly, and nothing else is', () => {
      const head = { id: 'x', object: 'o' };
      const piece = (choice: object): { data: object } => ({
        data: { ...head, choices: [{ finish_reason: null, ...choice }] },
      });
      assert.deepEqual(mergeChunks(piece({ text: 'a' }), piece({ text: 'b' })), piece({ text: 'ab' }));
      const [a, b] = [piece({ delta: { content: 'a' } }), piece({ delta: { content: 'b' } })];
      assert.deepEqual(mergeChunks(a, b), piece({ delta: { content: 'ab' } }));
      for (const other of [
        piece({ delta: { role: 'assistant', content: '' } }),
        piece({ delta: {}, finish_reason: 'stop' }),
        { data: { ...head, choices: [] } },
        { data: '[DONE]' },
      ]) {
        assert.equal(mergeChunks(a, other), undefined);
        assert.equal(mergeChunks(other, a), undefined);
      }
    });

    it('a client that goes away stops the work', async () => {
      server = await serve();
      const hanging = hangingRun();
      server.host.behaviour = hanging.behaviour;
      const leave = new AbortController();
      const response = await fetch(`${server.url}${chat}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...pipelineChat, stream: true }),
        signal: leave.signal,
      });
      await hanging.entered;
      leave.abort();
      await assert.rejects(response.text());
      while (server.admission.running > 0) await new Promise(setImmediate);
      const metrics = await server.metrics.registry.metrics();
      assert.match(metrics, /agentic_requests_finished_total\{outcome="cancelled"\} 1/);
    });
  });

  describe('openapi.yaml', () => {
    it('sent every documented status', async () => {
      server = await serve();
      const documented = documentedStatuses((tags) => tags.includes('openai'));
      assert.ok(documented.length > 20);
      assert.deepEqual(
        documented.filter((line) => !seen.has(line)),
        [],
      );
    });
  });
});
