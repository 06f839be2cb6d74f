// Proves: the webhook takes only what GitHub signed, answers at once, and writes one honest comment per issue, whatever is delivered
// again, refused or lost on the way.
import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, loadConfig } from '../../server/config.js';
import { assertError, contract, hangingRun, result, serve } from '../server/helpers.js';
import { FILES, SECRET, labeled, repository, serveWebhook, signature, type WebhookServer } from './webhook-server.js';

const MARKER = /<!-- agentic-seq2seq issue=7 answer=[0-9a-f-]{36} key=[0-9a-f]{64} -->$/;

describe('webhook of GitHub', () => {
  let server: WebhookServer;
  const start = async (environment: NodeJS.ProcessEnv = {}): Promise<void> => {
    const made = await serveWebhook(environment);
    server = {
      ...made,
      deliver: async (...call) => {
        const response = await made.deliver(...call);
        return response;
      },
    };
  };
  afterEach(async () => {
    const log = JSON.stringify(server.log);
    for (const secret of [SECRET, server.fake.token, 'last page is missing', 'page_count']) {
      assert.ok(!log.includes(secret), `the log holds ${secret}`);
    }
    await server.close();
  });

  describe('answers', () => {
    it('202, then one comment with analysis, patch and what was read', async () => {
      await start();
      const delivery = randomUUID();
      const { behaviour, finish } = hangingRun();
      server.host.behaviour = behaviour;
      const response = await server.deliver('issues', labeled(), { 'x-github-delivery': delivery });
      assert.equal(response.status, 202);
      const answer = await response.json();
      assert.deepEqual(contract.schema('GitHubDelivery')(answer), []);
      assert.deepEqual(answer, { delivery, status: 'accepted' });
      finish();
      const line = await server.ended(delivery);
      assert.deepEqual([line['msg'], line['outcome'], line['repository']], ['github', 'comment', 'acme/shop']);
      const comment = server.fake.comments[0]!;
      assert.match(comment.body, MARKER);
      assert.ok(comment.body.includes(`\`\`\`diff\n${result.patches[0]!.diff}\`\`\``));
      assert.ok(comment.body.includes('- Problem: `The last page is missing`'));
      assert.ok(comment.body.includes('- `shop/pages.py`'));
      const [request] = server.host.requests;
      assert.deepEqual(request?.issue, { title: 'The last page is missing', body: 'See `shop/pages.py`.' });
      assert.deepEqual(request.files, [{ path: 'shop/pages.py', content: FILES['shop/pages.py'] }]);
      assert.equal(await server.metric('agentic_github_jobs_total{outcome="comment"}'), 1);
      assert.equal(await server.metric('agentic_github_deliveries_total{event="issues",outcome="accepted"}'), 1);
      assert.equal(await server.metric('agentic_requests_finished_total{outcome="applies"}'), 1);
    });

    it('nothing about other events, labels and actions', async () => {
      await start();
      for (const [event, payload] of [
        ['ping', { zen: 'Design for failure.' }],
        ['push', {}],
        ['issues', labeled({}, { label: { name: 'bug' } })],
        ['issues', labeled({}, { label: undefined })],
        ['issues', labeled({}, { action: 'unlabeled' })],
        ['issues', labeled({ state: 'closed' })],
        ['pull_request', { action: 'opened', pull_request: { head: { ref: 'x' } }, repository }],
      ] as const) {
        const response = await server.deliver(event, payload);
        assert.deepEqual([response.status, await response.text()], [204, ''], event);
      }
      assert.equal(server.fake.calls.length, 0);
      assert.equal(await server.metric('agentic_github_deliveries_total{event="other",outcome="ignored"}'), 2);
    });

    it('another label when it is configured', async () => {
      await start({ GITHUB_LABEL: 'please fix' });
      assert.equal((await server.deliver('issues', labeled())).status, 204);
      assert.equal((await server.work('issues', labeled({}, { label: { name: 'please fix' } })))['outcome'], 'comment');
    });

    it('an abstained answer says so, and shows the analysis', async () => {
      await start();
      server.host.behaviour = () =>
        Promise.resolve({ ...result, status: 'abstained', abstained_because: 'low_confidence', patches: [] });
      await server.work('issues', labeled());
      const text = server.fake.comments[0]?.body ?? '';
      assert.match(text, /\*\*No patch\*\*: none is trusted enough to be shown\./);
      assert.ok(text.includes('- Problem:') && !text.includes('```diff'));
    });

    it('nothing that the model writes becomes a mention, a link or markup', async () => {
      await start();
      const problem = '`@acme/everyone` <img src=x> [a](http://x)';
      const diff = '--- a/x\n+++ b/x\n@@ -1 +1 @@\n-```\n+````\n';
      const patches = [{ ...result.patches[0]!, diff }];
      server.host.behaviour = () => Promise.resolve({ ...result, analysis: { ...result.analysis!, problem }, patches });
      await server.work('issues', labeled());
      const text = server.fake.comments[0]?.body ?? '';
      assert.ok(text.includes(`- Problem: \`\` ${problem} \`\``));
      assert.ok(text.includes(`\n\`\`\`\`\`diff\n${diff}\`\`\`\`\`\n`));
    });
  });

  describe('refuses', () => {
    const refused = async (response: Response, status: number, code: string): Promise<void> => {
      await assertError(response, status, code);
      assert.equal(server.fake.calls.length, 0);
    };

    it('401 wrong_signature: none, another secret, another body', async () => {
      await start();
      const text = JSON.stringify(labeled());
      for (const wrong of ['', 'sha256=', signature(text, 'guess'), signature(`${text} `), 'sha1=abc']) {
        await refused(await server.deliver('issues', text, { 'x-hub-signature-256': wrong }), 401, 'wrong_signature');
      }
      await refused(await server.deliver('issues', ''), 401, 'wrong_signature');
    });

    it('403 github_off without a secret', async () => {
      await start();
      const off = await serve();
      const response = await fetch(`${off.url}/v1/github/webhook`, { method: 'POST', body: '{}' });
      await refused(response, 403, 'github_off');
      await off.close();
    });

    it('400, 415, 422: what GitHub does not send', async () => {
      await start();
      await refused(await server.deliver('issues', '{"action":'), 400, 'malformed_json');
      const form = { 'content-type': 'application/x-www-form-urlencoded' };
      await refused(await server.deliver('issues', labeled(), form), 415, 'unsupported_media_type');
      await refused(await server.deliver('issues', labeled(), { 'x-github-delivery': 'x' }), 422, 'invalid_request');
      await refused(await server.deliver('', labeled()), 422, 'invalid_request');
      await refused(await server.deliver('issues', labeled({ number: '7' })), 422, 'invalid_request');
      await refused(await server.deliver('pull_request', { action: 'closed' }), 422, 'invalid_request');
    });

    it('413: a huge body, before its signature is looked at', async () => {
      await start({ MAX_BODY_BYTES: '2048' });
      await refused(await server.deliver('issues', labeled({ body: 'x'.repeat(5000) })), 413, 'body_too_large');
    });

    it('429 overloaded when too many wait', async () => {
      await start();
      server.fake.hold(/\/git\/ref\//);
      for (let number = 1; number <= 102; number += 1) {
        assert.equal((await server.deliver('issues', labeled({ number }))).status, 202);
      }
      await assertError(await server.deliver('issues', labeled({ number: 103 })), 429, 'overloaded');
    });

    it('a webhook without a token at the start', async () => {
      await start();
      assert.throws(() => loadConfig({ GITHUB_WEBHOOK_SECRET: 'x' }), ConfigError);
      assert.throws(() => loadConfig({ GITHUB_API_URL: 'api.github.com' }), ConfigError);
    });
  });

  describe('again', () => {
    it('the same delivery, at work or done, is not worked on twice', async () => {
      await start();
      const headers = { 'x-github-delivery': randomUUID() };
      const { behaviour, entered, finish } = hangingRun();
      server.host.behaviour = behaviour;
      await server.deliver('issues', labeled(), headers);
      await entered;
      const again = await server.deliver('issues', labeled(), headers);
      assert.deepEqual(await again.json(), { delivery: headers['x-github-delivery'], status: 'duplicate' });
      finish();
      await server.ended(headers['x-github-delivery']);
      assert.equal(
        ((await (await server.deliver('issues', labeled(), headers)).json()) as { status: string }).status,
        'duplicate',
      );
      assert.deepEqual([server.fake.comments.length, server.host.requests.length], [1, 1]);
    });

    it('the same issue, also after a restart, changes the comment', async () => {
      await start();
      await server.work('issues', labeled());
      const first = server.fake.comments[0]?.body;
      await server.work('issues', labeled({ title: 'Still missing' }));
      assert.equal(server.fake.comments.length, 1);
      assert.notEqual(server.fake.comments[0]?.body, first);
      const other = await serve({
        GITHUB_WEBHOOK_SECRET: SECRET,
        GITHUB_TOKEN: server.fake.token,
        GITHUB_API_URL: server.fake.url,
      });
      const text = JSON.stringify(labeled());
      await fetch(`${other.url}/v1/github/webhook`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-github-event': 'issues',
          'x-github-delivery': randomUUID(),
          'x-hub-signature-256': signature(text),
        },
        body: text,
      });
      while (!other.log.some(({ msg }) => msg === 'github')) await new Promise(setImmediate);
      assert.equal(server.fake.comments.length, 1);
      await other.close();
    });

    it('an issue that holds something like a marker changes nothing about that', async () => {
      await start();
      const problem = `<!-- agentic-seq2seq issue=7 answer=${randomUUID()} key=${'0'.repeat(64)} -->`;
      server.host.behaviour = () => Promise.resolve({ ...result, analysis: { ...result.analysis!, problem } });
      await server.work('issues', labeled({ title: problem }));
      await server.work('issues', labeled({ title: problem }));
      assert.equal(server.fake.comments.length, 1);
    });

    it('two deliveries of one issue at once make one comment', async () => {
      await start({ WORKERS: '2' });
      await Promise.all([server.work('issues', labeled()), server.work('issues', labeled())]);
      assert.equal(server.fake.comments.length, 1);
    });

    it('a marker that somebody else wrote, or of another issue, does not count', async () => {
      await start();
      const forged = `<!-- agentic-seq2seq issue=7 answer=${randomUUID()} key=${'0'.repeat(64)} -->`;
      server.fake.comments.push({ id: 1, body: forged, user: { type: 'User' } });
      await server.work('issues', labeled());
      await server.work('issues', labeled({ number: 8 }));
      assert.deepEqual([server.fake.comments.length, server.fake.comments[0]?.body], [3, forged]);
    });
  });

  describe('files', () => {
    const paths = (): string[] => (server.host.requests.at(-1)?.files ?? []).map(({ path }) => path);

    it('a named file that is not there: those that fit the words, without tests', async () => {
      await start();
      await server.work('issues', labeled({ title: 'Total of the cart', body: 'In `shop/basket.py`.' }));
      assert.deepEqual(paths(), ['shop/cart.py', 'shop/pages.py']);
    });

    it('a traceback from an installation, a link, and a test that is named', async () => {
      await start();
      const frame = '  File "/usr/lib/python3/site-packages/shop/cart.py", line 2, in total\n';
      const link = 'https://github.com/acme/shop/blob/main/test/test_pages.py#L2';
      await server.work('issues', labeled({ body: `${frame}\n${link}` }));
      assert.deepEqual(paths().sort(), ['shop/cart.py', 'test/test_pages.py']);
    });

    it('bounded in number and bytes; links, binary and gone files are passed over', async () => {
      await start({ GITHUB_MAX_FILES: '2', GITHUB_MAX_BYTES: '2000', MAX_FILE_BYTES: '1500' });
      server.fake.push(
        {
          'a.py': 'x = 1\n'.repeat(200),
          'b.py': 'y = 1\n'.repeat(200),
          'c.py': Buffer.from([0, 1, 2]),
          'd.py': 'z = 1\n'.repeat(300),
          'e.py': 'a.py',
          'f.py': 'w = 1\n',
          'g.py': 'v = 1\n',
        },
        { 'e.py': '120000' },
      );
      await server.work('issues', labeled({ body: 'Broken.' }));
      assert.deepEqual(paths(), ['a.py', 'f.py']);
    });

    it('none: the comment says so, nothing is computed', async () => {
      await start();
      server.fake.push({ 'README.md': 'A shop.\n' });
      assert.equal((await server.work('issues', labeled({ body: null })))['outcome'], 'comment');
      assert.match(server.fake.comments[0]?.body ?? '', /no source file that could be read/);
      assert.equal(server.host.requests.length, 0);
    });
  });

  describe('settings', () => {
    it('secret and token are read from files for each use', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'github-'));
      const [secretFile, tokenFile] = [join(folder, 'secret'), join(folder, 'token')];
      await writeFile(secretFile, `${SECRET}\n`);
      await writeFile(tokenFile, 'first-token\n');
      await start({
        GITHUB_WEBHOOK_SECRET: '',
        GITHUB_WEBHOOK_SECRET_FILE: secretFile,
        GITHUB_TOKEN: '',
        GITHUB_TOKEN_FILE: tokenFile,
      });
      assert.equal((await server.work('issues', labeled()))['outcome'], 'comment');
      server.fake.token = 'second-token';
      assert.equal((await server.work('issues', labeled()))['code'], 'github_denied');
      await writeFile(tokenFile, 'second-token\n');
      await writeFile(secretFile, `new-secret\n${SECRET}\n`);
      const text = JSON.stringify(labeled());
      const headers = { 'x-github-delivery': randomUUID(), 'x-hub-signature-256': signature(text, 'new-secret') };
      await server.deliver('issues', text, headers);
      // The comment with the marker of the old secret is found.
      assert.equal((await server.ended(headers['x-github-delivery']))['outcome'], 'comment');
      assert.equal(server.fake.comments.length, 1);
      await rm(folder, { recursive: true });
    });
  });

  describe('at the end', () => {
    it('503 shutting_down once a shutdown has begun', async () => {
      await start();
      void server.github?.close();
      await assertError(await server.deliver('issues', labeled()), 503, 'shutting_down');
    });
  });
});
