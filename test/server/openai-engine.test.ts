// Proves: the examples of docs/openai.md work on a real engine, a stream says what the whole answer says, and a client that
// goes away stops the decoder.
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../server/config.js';
import { allEvents, eventsOf } from './events.js';
import { contract } from './helpers.js';
import { startTinyServer, untilMetric } from './tiny-server.js';

interface Example {
  readonly path: string;
  readonly body: Record<string, unknown> & { readonly model: string; readonly stream?: boolean };
}

/** Each request of the document: its line with method and path, then its body. */
const examples = [
  ...readFileSync(join(packageRoot, 'docs/openai.md'), 'utf8').matchAll(
    /^`POST (\/v1\/\S+)`\n\n```json\n([^]*?)\n```$/gm,
  ),
].map(([, path = '', json = '']): Example => ({ path, body: JSON.parse(json) as Example['body'] }));

interface Choice {
  readonly text?: string;
  readonly message?: { readonly content: string };
  readonly delta?: { readonly content?: string };
  readonly finish_reason: string | null;
}

const textOf = ({ text, message, delta }: Choice): string => text ?? message?.content ?? delta?.content ?? '';
const choicesOf = (data: Record<string, unknown> | undefined): Choice[] => (data?.['choices'] ?? []) as Choice[];

describe('OpenAI-compatible routes on the engine', () => {
  let server: Awaited<ReturnType<typeof startTinyServer>>;
  before(async () => {
    server = await startTinyServer();
  });
  after(() => server.close());
  const post = (path: string, body: object, signal?: AbortSignal): Promise<Response> =>
    fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...(signal && { signal }),
    });
  const whole = async ({ path, body }: Example): Promise<Record<string, unknown>> => {
    const response = await post(path, { ...body, stream: false, stream_options: null });
    const parsed = (await response.json()) as Record<string, unknown>;
    assert.equal(response.status, 200, JSON.stringify(parsed));
    const schema = path === '/v1/completions' ? 'TextCompletion' : 'ChatCompletion';
    assert.deepEqual(contract.schema(schema)(parsed), []);
    return parsed;
  };

  it('has an example of each model', () => {
    const models = new Set(examples.map(({ body }) => body.model));
    assert.deepEqual([...models].sort(), [
      'backbone',
      'backbone:code-generation',
      'backbone:issue-analysis',
      'pipeline',
    ]);
  });

  for (const [index, example] of examples.entries()) {
    const { path, body } = example;
    it(`example ${index + 1}: ${body.model} ${path}, whole and streamed`, async () => {
      const answer = await whole(example);
      const events = await allEvents(await post(path, { ...body, stream: true }));
      assert.equal(events.at(-1)?.text, '[DONE]');
      const choices = events.flatMap(({ data }) => choicesOf(data));
      const [first] = choicesOf(answer);
      assert.ok(first);
      assert.equal(choices.map(textOf).join(''), textOf(first));
      assert.equal(choices.at(-1)?.finish_reason, first.finish_reason);
      const usage = answer['usage'] as { prompt_tokens: number; completion_tokens: number };
      assert.ok(usage.prompt_tokens > 5 && usage.completion_tokens > 0);
      if (body['stream_options']) assert.deepEqual(events.at(-2)?.data?.['usage'], usage);
      assert.equal(events[0]?.data?.['system_fingerprint'], answer['system_fingerprint']);
    });
  }

  it('the patch in the fence applies', async () => {
    const answer = await whole(examples[0]!);
    const content = textOf(choicesOf(answer)[0]!);
    const [, diff] = /^(?:`{3,})diff\n([^]*)^`{3,}\n$/m.exec(content) ?? [];
    assert.ok(diff !== undefined, content);
    const folder = mkdtempSync(join(tmpdir(), 'openai-'));
    try {
      mkdirSync(join(folder, 'shop'));
      const code = 'def page_count(items, size):\n    return len(items) // size\n';
      writeFileSync(join(folder, 'shop/pages.py'), code);
      execFileSync('git', ['apply', '--check', '-'], { cwd: folder, input: diff });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('answers context_length_exceeded to a prompt that does not fit', async () => {
    for (const prompt of ['', 'x '.repeat(5000)]) {
      const response = await post('/v1/completions', { model: 'backbone', prompt });
      assert.equal(response.status, 400);
      assert.equal(((await response.json()) as { error: { code: string } }).error.code, 'context_length_exceeded');
    }
  });

  it('stops decoding and frees the place when the client goes after the first piece', async () => {
    const leave = new AbortController();
    const body = { model: 'backbone', prompt: 'def f():', max_tokens: 320, temperature: 1, stream: true };
    const response = await post('/v1/completions', body, leave.signal);
    for await (const { data } of eventsOf(response)) {
      assert.ok(textOf(choicesOf(data)[0]!).length > 0);
      break;
    }
    leave.abort();
    await untilMetric(server.url, 'agentic_requests_running', 0);
    await untilMetric(server.url, 'agentic_requests_finished_total{outcome="cancelled"}', 1);
  });
});
