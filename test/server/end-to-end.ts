import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { caseNames, loadCase } from '../../cli/cases.js';
import { checkPatch } from '../../cli/git.js';
import type { Answer } from '../../cli/client.js';
import type { RequestFile } from '../../pipeline/types.js';
import { contract } from './helpers.js';
import { hostileFiles } from './hostile-files.js';
import type { ServerProcess } from './server-process.js';

type Files = readonly (RequestFile & { readonly content: string })[];

/** Posts a body and checks the answer against openapi.yaml and every patch against git. */
export async function postChecked(
  server: ServerProcess,
  body: { files: Files } & Record<string, unknown>,
): Promise<Answer> {
  // What scores too low to be trusted must apply, too.
  const response = await server.post({ min_score: 0, ...body });
  const answer = (await response.json()) as Answer;
  assert.equal(response.status, 200, JSON.stringify(answer));
  assert.deepEqual(contract.schema('PatchAnswer')(answer), []);
  await assertApply(body.files, answer);
  return answer;
}

/** Every patch passes `git apply --check` on the files as they were sent, by itself. */
async function assertApply(files: Files, { patches }: Answer): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'agentic-seq2seq-'));
  try {
    for (const { path, content } of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    for (const { diff } of patches) assert.equal(await checkPatch(folder, diff), undefined, diff);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a server must do with any model; `server` is running and ready. */
export function itServes(current: () => ServerProcess): void {
  it('says what it serves', async () => {
    const response = await fetch(`${current().url}/ready`);
    assert.equal(response.status, 200);
    const ready = (await response.json()) as { release: object };
    assert.deepEqual(contract.schema('Ready')(ready), []);
    assert.match(
      JSON.stringify(ready.release),
      /^\{"id":"[0-9a-f]{64}","issue_analysis":"[0-9a-f]{64}","code_generation":"[0-9a-f]{64}"\}$/,
    );
  });

  it('answers every case with patches that apply', async () => {
    for (const name of await caseNames()) {
      const { issue, files } = await loadCase(name);
      const answer = await postChecked(current(), { issue, files, n: 2 });
      assert.ok(answer.usage.source_tokens > 0);
    }
  });

  it('gives the same answer to the same request, also when asked at the same time', async () => {
    const { issue, files } = await loadCase('permissions');
    const body = { issue, files, n: 3, seed: 5, temperature: 0.9 };
    const answers = await Promise.all([1, 2, 3].map(() => postChecked(current(), body)));
    const [first, ...others] = answers.map(({ patches, analysis }) => ({ patches, analysis }));
    for (const other of others) assert.deepEqual(other, first);
  });

  for (const [name, content] of Object.entries(hostileFiles)) {
    it(`patches for a hostile file apply: ${name}`, async () => {
      const files = [{ path: 'src/hostile file.py', content }];
      const issue = { title: 'f returns the wrong value', body: 'It should return x + 1, see `compute` and `x`.' };
      const answer = await postChecked(current(), { issue, files, n: 4, temperature: 0.7, max_new_tokens: 60 });
      if (content === '') assert.equal(answer.abstained_because, 'nothing_to_edit');
    });
  }

  it('works after a body of 50 MB was refused', async () => {
    const large = JSON.stringify({ issue: 'x', files: [{ path: 'a.py', content: 'x'.repeat(50 * 2 ** 20) }] });
    const refused = await current()
      .post(undefined, { body: large })
      .then(
        (response) => response.status,
        // The connection may be closed while the client is still sending.
        () => 413,
      );
    assert.equal(refused, 413);
    const { issue, files } = await loadCase('pagination');
    await postChecked(current(), { issue, files });
  });

  it('frees the slot of a client that goes away', async () => {
    const server = current();
    const leave = new AbortController();
    const lost = server.post(await longRequest(), { signal: leave.signal });
    await server.untilMetric('agentic_requests_running', 1);
    leave.abort();
    await assert.rejects(lost);
    await server.untilMetric('agentic_requests_running', 0);
    await server.untilMetric('agentic_requests_finished_total{outcome="cancelled"}', 1);
    const { issue, files } = await loadCase('pagination');
    await postChecked(server, { issue, files });
  });

  it('answers 400 to what is not HTTP', async () => {
    const socket = connect(Number(new URL(current().url).port), '127.0.0.1');
    await once(socket, 'connect');
    let received = '';
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    socket.write('hello\r\n\r\n');
    await once(socket, 'close');
    assert.match(received, /^HTTP\/1\.1 400 [^]*"code":"bad_request"/);
  });

  it('logs no text of a request', async () => {
    const { issue, files } = await loadCase('route-lookup');
    const secret = 'zanzibar4711';
    await postChecked(current(), {
      issue: { ...issue, body: secret },
      files: [{ path: `${secret}.py`, content: `${secret} = 1\n` }, ...files],
    });
    assert.ok(!JSON.stringify(current().log).includes(secret));
  });
}

/** A request that takes as long as one may. */
export async function longRequest(): Promise<object> {
  const examples = await Promise.all((await caseNames()).map((name) => loadCase(name)));
  const files = examples.flatMap((example) => example.files);
  return { issue: examples[0]?.issue, files, n: 8, temperature: 1 };
}
