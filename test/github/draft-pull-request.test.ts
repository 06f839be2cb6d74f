// Proves: where it is configured a patch becomes one commit in a draft pull request, byte for byte and with the file's mode, and what
// becomes of the draft is kept as feedback on the answer.
import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unifiedDiff } from '../../pipeline/unified-diff.js';
import type { FeedbackRecord } from '../../server/feedback/record.js';
import { result } from '../server/helpers.js';
import { FILES, closed, labeled, serveWebhook, type WebhookServer } from './webhook-server.js';

const BRANCH = 'agentic-seq2seq/issue-7';

describe('draft pull request', () => {
  let server: WebhookServer;
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'feedback-'));
    server = await serveWebhook({ GITHUB_ANSWER: 'draft_pull_request', FEEDBACK_DIR: folder });
  });
  afterEach(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });
  const records = async (): Promise<FeedbackRecord[]> =>
    Promise.all(
      (await readdir(folder)).map(
        async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as FeedbackRecord,
      ),
    );
  const verdict = async (): Promise<string | undefined> => (await records())[0]?.feedback?.verdict;

  it('one commit on what was read, its mode kept, a draft that names the issue', async () => {
    const base = server.fake.refs.get('heads/main');
    assert.equal((await server.work('issues', labeled()))['outcome'], 'draft_pull_request');
    const { files, parents, message } = server.fake.at(BRANCH);
    assert.deepEqual(parents, [base]);
    assert.equal(message, 'The last page is missing (#7)\n\nFor #7.');
    assert.deepEqual(files['shop/pages.py'], {
      mode: '100755',
      content: 'def page_count(items, size):\n    return -(-len(items) // size)\n',
    });
    assert.deepEqual(files['shop/cart.py'], { mode: '100644', content: FILES['shop/cart.py'] });
    const [pull] = server.fake.pulls;
    assert.deepEqual([pull?.draft, pull?.head, pull?.base], [true, BRANCH, 'main']);
    assert.match(
      pull?.body ?? '',
      /^For #7\.\n[\s\S]*```diff\n[\s\S]*<!-- agentic-seq2seq issue=7 answer=[^ ]+ key=[^ ]+ -->$/,
    );
    assert.equal(server.fake.comments.length, 0);
  });

  it('byte for byte: byte order mark, carriage returns, no newline at the end', async () => {
    const before = '\ufeffa = 1\r\nb = 2\r\nc = "ä\u2028"';
    const after = '\ufeffa = 1\r\nb = 3\r\nc = "ä\u2028"';
    server.fake.push({ 'shop/pages.py': before });
    const patch = { ...result.patches[0]!, diff: unifiedDiff('shop/pages.py', before, after) };
    server.host.behaviour = () => Promise.resolve({ ...result, patches: [patch] });
    await server.work('issues', labeled());
    assert.equal(server.fake.at(BRANCH).files['shop/pages.py']?.content, after);
  });

  it('without a patch, or with one that breaks the syntax, a comment instead', async () => {
    for (const change of [
      { status: 'abstained', abstained_because: 'no_candidate', patches: [] },
      { status: 'syntax_error', patches: [{ ...result.patches[0]!, status: 'syntax_error' }] },
    ] as const) {
      server.host.behaviour = () => Promise.resolve({ ...result, ...change });
      assert.equal((await server.work('issues', labeled()))['outcome'], 'comment');
    }
    assert.match(server.fake.comments[0]?.body ?? '', /the file does not parse with it/);
    assert.deepEqual([server.fake.pulls.length, server.fake.comments.length], [0, 1]);
  });

  it('one that is open stays as it is; a branch that is left over is taken again', async () => {
    await server.work('issues', labeled());
    const first = server.fake.refs.get(`heads/${BRANCH}`);
    server.fake.push({ ...FILES, 'new.py': 'x = 1\n' });
    assert.equal((await server.work('issues', labeled()))['outcome'], 'kept');
    assert.equal(server.fake.refs.get(`heads/${BRANCH}`), first);
    server.fake.pulls[0]!.state = 'closed';
    assert.equal((await server.work('issues', labeled()))['outcome'], 'draft_pull_request');
    assert.notEqual(server.fake.refs.get(`heads/${BRANCH}`), first);
    assert.equal(server.fake.pulls.length, 2);
  });

  it('calls whose answers are lost make neither a second branch nor a second draft', async () => {
    for (const path of [/\/git\/blobs$/, /\/git\/trees$/, /\/git\/commits$/, /\/git\/refs$/, /\/pulls$/]) {
      server.fake.fail('POST', path, 502, { isAfterwards: true });
    }
    assert.equal((await server.work('issues', labeled()))['outcome'], 'draft_pull_request');
    assert.equal(server.fake.pulls.length, 1);
  });

  for (const [merged, expected] of [
    [true, 'accepted'],
    [false, 'rejected'],
  ] as const) {
    it(`${merged ? 'merged' : 'closed unmerged'}: ${expected}`, async () => {
      await server.work('issues', labeled());
      const pull = server.fake.pulls[0]!;
      assert.equal(await verdict(), undefined);
      assert.equal((await server.work('pull_request', closed(pull.body, merged)))['outcome'], 'feedback');
      const [record] = await records();
      assert.equal(record?.feedback?.verdict, expected);
      assert.ok(pull.body.includes(`answer=${record.id} `));
      assert.equal(await server.metric('agentic_github_jobs_total{outcome="feedback"}'), 1);
    });
  }

  it('no verdict from a fork, another branch, a forged or a foreign marker', async () => {
    await server.work('issues', labeled());
    const { body } = server.fake.pulls[0]!;
    for (const repo of [{ id: 1 }, null]) {
      assert.equal((await server.deliver('pull_request', closed(body, true, { repo }))).status, 204);
    }
    for (const payload of [
      closed(body, true, { ref: 'main' }),
      closed(body.replace(/key=..../, 'key=0000'), true),
      closed(body.replace('issue=7', 'issue=8'), true, { ref: 'agentic-seq2seq/issue-8' }),
      closed('Nothing here.', true),
    ]) {
      assert.equal((await server.work('pull_request', payload))['outcome'], 'ignored');
    }
    assert.equal(await verdict(), undefined);
  });

  it('an answer that has expired is told by its code', async () => {
    await server.work('issues', labeled());
    const { body } = server.fake.pulls[0]!;
    const other = await serveWebhook({ FEEDBACK_DIR: join(folder, randomUUID()) });
    assert.equal((await other.work('pull_request', closed(body, true)))['code'], 'answer_not_found');
    await other.close();
    await rm(folder, { recursive: true });
    folder = await mkdtemp(join(tmpdir(), 'feedback-'));
  });
});
