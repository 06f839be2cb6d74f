// Proves: every request for patches or completions is logged with its id, its release and its times, also when it fails, and
// neither what was asked nor what was answered is in the log at any level.
import { strict as assert } from 'node:assert';
import { startTinyServer } from './tiny-server.js';

const id = '01234567-89ab-4cde-8f01-23456789abcd';
const secret = 'zanzibar4711';
const code = `def ${secret}(x):\n    return x\n`;
const content = `${secret} is wrong\n\n\`\`\`python ${secret}.py\n${code}\`\`\`\n`;
const messages = [{ role: 'user', content }];

describe('request log', () => {
  let server: Awaited<ReturnType<typeof startTinyServer>>;
  let release: string;
  before(async () => {
    server = await startTinyServer({ REQUEST_TIMEOUT_MS: '60000' });
    const { release: served } = (await (await fetch(`${server.url}/ready`)).json()) as { release: { id: string } };
    release = served.id;
  });
  after(() => server.close());

  /** The log lines of one request, which is over when its line is there. */
  const linesOf = async (path: string, content: unknown): Promise<Record<string, unknown>[]> => {
    const from = server.log.length;
    const response = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': id },
      body: typeof content === 'string' ? content : JSON.stringify(content),
    });
    const answer = await response.text();
    const own = (): Record<string, unknown>[] => server.log.slice(from).filter((line) => line['id'] === id);
    while (!own().some(({ msg }) => msg === 'request')) await new Promise(setImmediate);
    const lines = own();
    const text = JSON.stringify(lines);
    assert.ok(!text.includes(secret));
    // A stretch of the model's own text would give the code away as well.
    for (const [, hint = ''] of answer.matchAll(/"(?:hint|problem|text)":"([^"\\]{6,})/g))
      assert.ok(!text.includes(hint));
    return lines;
  };
  const patches = { issue: `${secret} is wrong`, files: [{ path: `${secret}.py`, content: code }], max_new_tokens: 16 };
  const chat = { model: 'pipeline', messages, max_tokens: 16 };
  const raw = { model: 'backbone:issue-analysis', prompt: content, max_tokens: 8 };

  for (const [path, request, line, stages] of [
    ['/v1/patches', patches, 'patches', ['queue', 'retrieval', 'encode', 'analysis', 'code', 'ranking', 'total']],
    ['/v1/chat/completions', chat, 'patches', ['queue', 'retrieval', 'encode', 'analysis', 'code', 'ranking', 'total']],
    ['/v1/completions', raw, 'completion', ['queue', 'total']],
  ] as const) {
    for (const stream of [false, true]) {
      it(`${path}${stream ? ' streamed' : ''}: id, release, tokens and times`, async () => {
        const [answer, ended] = await linesOf(path, { ...request, stream });
        assert.deepEqual(
          { ...ended, time: 0, ms: typeof ended?.['ms'] },
          { level: 30, time: 0, id, method: 'POST', path, status: 200, release, ms: 'number', msg: 'request' },
        );
        assert.equal(answer?.['msg'], line);
        assert.equal(answer['id'], id);
        assert.equal((answer['release'] as { id: string }).id, release);
        assert.deepEqual(Object.keys(answer['timings'] as object), stages);
        assert.ok(answer['usage']);
      });
    }
  }

  it('errors name their code; the release only if one was pinned', async () => {
    const [refused] = await linesOf('/v1/patches', { ...patches, [secret]: 1 });
    assert.deepEqual([refused?.['code'], refused?.['release']], ['invalid_request', undefined]);
    const [broken] = await linesOf('/v1/patches', `{"issue": ${secret}`);
    assert.deepEqual([broken?.['code'], broken?.['id']], ['malformed_json', id]);
    const [long] = await linesOf('/v1/completions', { ...raw, prompt: `${secret} `.repeat(3000) });
    assert.deepEqual([long?.['code'], long?.['release']], ['context_length_exceeded', release]);
  });
});
