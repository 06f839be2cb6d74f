// Proves: the official client of the OpenAI API works with this server as it is: answers, streams, errors, retries and aborts.
import { strict as assert } from 'node:assert';
import OpenAI from 'openai';
import { ContractServer, KEY } from './contract-server.js';

const content = [
  'The last page is missing',
  '',
  'With 21 items and a page size of 10, page_count gives 2 instead of 3.',
  '',
  '```python shop/pages.py',
  'def page_count(items, size):',
  '    return len(items) // size',
  '```',
  '',
].join('\n');
const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content }];

describe('the openai client', () => {
  let server: ContractServer;
  let client: OpenAI;
  before(async () => {
    server = await ContractServer.open({ MAX_NEW_TOKENS: '4000', QUEUE_SIZE: '0' });
    client = new OpenAI({ baseURL: `${server.process.url}/v1`, apiKey: KEY, maxRetries: 0 });
  });
  after(() => server.close());

  it('lists the models and gets one', async () => {
    const ids: string[] = [];
    for await (const { id } of client.models.list()) ids.push(id);
    assert.deepEqual(ids, ['pipeline', 'backbone', 'backbone:issue-analysis', 'backbone:code-generation']);
    assert.equal((await client.models.retrieve('backbone:code-generation')).object, 'model');
  });

  it('gets a patch as a chat completion, streamed and whole the same', async () => {
    const asked = { model: 'pipeline', messages, max_completion_tokens: 24 };
    const whole = await client.chat.completions.create(asked);
    const text = whole.choices[0]?.message.content ?? '';
    assert.match(text, /^- \*\*Problem\*\*/);
    assert.ok((whole.usage?.completion_tokens ?? 0) > 0);

    const stream = client.chat.completions.stream({ ...asked, stream_options: { include_usage: true } });
    let told = '';
    stream.on('content', (delta) => (told += delta));
    const final = await stream.finalChatCompletion();
    assert.equal(told, text);
    assert.equal(final.choices[0]?.message.content, text);
    assert.equal(final.choices[0].finish_reason, 'stop');
    assert.deepEqual(final.usage, whole.usage);
  });

  it('continues a text, streamed and whole the same', async () => {
    const asked = {
      model: 'backbone',
      prompt: 'def page_count(items, size):\n',
      max_tokens: 12,
      seed: 5,
      temperature: 1,
    };
    const whole = await client.completions.create(asked);
    assert.equal(whole.usage?.completion_tokens, 12);
    let told = '';
    for await (const chunk of await client.completions.create({ ...asked, stream: true })) {
      told += chunk.choices[0]?.text ?? '';
    }
    assert.equal(told, whole.choices[0]?.text);
  });

  it('throws the class of each error, with code and parameter', async () => {
    const refused = async (asked: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> => {
      const error: unknown = await asked.then(() => undefined).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof OpenAI.APIError, String(error));
      return error;
    };
    const noModel = await refused(client.chat.completions.create({ model: 'gpt-4o', messages }));
    assert.ok(noModel instanceof OpenAI.NotFoundError);
    assert.deepEqual([noModel.code, noModel.param], ['model_not_found', 'model']);
    const many = await refused(client.chat.completions.create({ model: 'backbone', messages, n: 2 }));
    assert.ok(many instanceof OpenAI.BadRequestError);
    assert.deepEqual([many.code, many.param], ['unsupported_parameter', 'n']);
    const hot = await refused(client.completions.create({ model: 'backbone', prompt: 'x', temperature: 9 }));
    assert.ok(hot instanceof OpenAI.UnprocessableEntityError);
    const stranger = client.withOptions({ apiKey: 'wrong' });
    assert.ok((await refused(stranger.models.list())) instanceof OpenAI.AuthenticationError);
  });

  it('stops the work when it aborts, and tries again by itself while the server is busy', async () => {
    const long = { model: 'backbone', prompt: 'x', max_tokens: 4000, temperature: 2, stream: true } as const;
    const stream = await client.completions.create(long);
    const chunks = stream[Symbol.asyncIterator]();
    // The worker is taken from here on, and nobody may wait.
    assert.equal((await chunks.next()).done, false);
    const busy = await client.completions.create({ ...long, stream: false }).catch((error: unknown) => error);
    assert.ok(busy instanceof OpenAI.RateLimitError);

    let attempts = 0;
    const patient = client.withOptions({
      maxRetries: 50,
      fetch: async (url, init) => {
        attempts += 1;
        const response = await fetch(url, init);
        if (response.status === 429) stream.controller.abort();
        return response;
      },
    });
    const answered = await patient.completions.create({ model: 'backbone', prompt: 'x', max_tokens: 2 });
    assert.equal(answered.usage?.completion_tokens, 2);
    assert.ok(attempts > 1);
    await server.process.untilMetric('agentic_requests_finished_total{outcome="cancelled"}', 1);
  });
});
