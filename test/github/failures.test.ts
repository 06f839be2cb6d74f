// Proves: what fails for a while is tried again and makes no second comment; what fails for good, or is ended by a shutdown, is
// logged and counted by its code, and its delivery may come again.
import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { AppError } from '../../server/errors.js';
import { GitHubApi, GitHubError } from '../../server/github/api.js';
import { body, hangingRun } from '../server/helpers.js';
import { FakeGitHub } from './fake-github.js';
import { labeled, serveWebhook, type WebhookServer } from './webhook-server.js';

const COMMENTS = /\/issues\/7\/comments$/;

describe('failures of GitHub', () => {
  let server: WebhookServer;
  beforeEach(async () => {
    server = await serveWebhook({ QUEUE_SIZE: '0' });
  });
  afterEach(() => server.close());

  it('a 5xx and a limit of the rate pass', async () => {
    const { fake } = server;
    fake.fail('GET', /\/git\/ref\//, 502);
    fake.fail('GET', /\/git\/trees\//, 503, { times: 2 });
    fake.fail('GET', /\/git\/blobs\//, 429);
    const past = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1000000000' };
    fake.fail('GET', COMMENTS, 403, { headers: past });
    fake.fail('POST', COMMENTS, 500);
    assert.equal((await server.work('issues', labeled()))['outcome'], 'comment');
    assert.equal(fake.comments.length, 1);
    assert.equal(fake.count('POST', COMMENTS), 2);
  });

  it('a comment whose answer is lost is not posted twice', async () => {
    server.fake.fail('POST', COMMENTS, 502, { isAfterwards: true });
    assert.equal((await server.work('issues', labeled()))['outcome'], 'comment');
    assert.equal(server.fake.comments.length, 1);
    assert.equal(server.fake.count('POST', COMMENTS), 1);
  });

  it('four 5xx: github_unavailable; the delivery may come again', async () => {
    server.fake.fail('GET', /\/git\/ref\//, 502, { times: 4 });
    const headers = { 'x-github-delivery': randomUUID() };
    await server.deliver('issues', labeled(), headers);
    const line = await server.ended(headers['x-github-delivery']);
    assert.deepEqual(
      [line['msg'], line['code'], line['reason']],
      ['github failed', 'github_unavailable', 'GET /repos/{owner}/{repo}/git/ref/{ref}: 502'],
    );
    assert.equal(server.fake.count('GET', /\/git\/ref\//), 4);
    assert.equal(await server.metric('agentic_github_jobs_total{outcome="github_unavailable"}'), 1);
    await server.deliver('issues', labeled(), headers);
    await server.fake.called('POST', COMMENTS);
  });

  it('a limit that lasts: github_rate_limited, without a wait', async () => {
    const far = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(2 ** 33) };
    server.fake.fail('GET', /\/git\/ref\//, 403, { headers: far });
    assert.equal((await server.work('issues', labeled()))['code'], 'github_rate_limited');
    assert.equal(server.fake.count('GET', /\/git\/ref\//), 1);
  });

  it('no right: github_denied, once', async () => {
    server.fake.fail('POST', COMMENTS, 403, { headers: {} });
    assert.equal((await server.work('issues', labeled()))['code'], 'github_denied');
    assert.equal(server.fake.count('POST', COMMENTS), 1);
  });

  it('a full queue: the job waits and comes again', async () => {
    const { behaviour, entered, finish } = hangingRun();
    server.host.behaviour = behaviour;
    const other = server.post(body);
    await entered;
    const headers = { 'x-github-delivery': randomUUID() };
    await server.deliver('issues', labeled(), headers);
    while (!server.log.some(({ msg, code }) => msg === 'github waits' && code === 'overloaded')) {
      await new Promise(setImmediate);
    }
    finish();
    assert.equal((await other).status, 200);
    assert.equal((await server.ended(headers['x-github-delivery']))['outcome'], 'comment');
  });

  it('a request that fails in the pipeline is told by its code; nothing is posted', async () => {
    server.host.behaviour = () => Promise.reject(new AppError('inference_crashed', 'The worker stopped.'));
    assert.equal((await server.work('issues', labeled()))['code'], 'inference_crashed');
    assert.equal(server.fake.comments.length, 0);
  });

  describe('shutdown', () => {
    it('while files are read, and of what waits behind: it ends at once', async () => {
      server.fake.hold(/\/git\/ref\//);
      const ids = [1, 2, 3].map(() => randomUUID());
      for (const [index, id] of ids.entries()) {
        await server.deliver('issues', labeled({ number: index + 1 }), { 'x-github-delivery': id });
      }
      await server.fake.called('GET', /\/git\/ref\//);
      await server.github?.close();
      for (const id of ids) assert.equal((await server.ended(id))['code'], 'shutting_down');
    });

    it('while it is computed: the answer is still written', async () => {
      const { behaviour, entered, finish } = hangingRun();
      server.host.behaviour = behaviour;
      await server.deliver('issues', labeled());
      await entered;
      const closed = Promise.all([server.github?.close(), server.admission.close()]);
      finish();
      await closed;
      assert.equal(server.fake.comments.length, 1);
    });

    it('after the time to drain: what is still at work ends', async () => {
      const id = randomUUID();
      const { behaviour, entered } = hangingRun();
      server.host.behaviour = behaviour;
      await server.deliver('issues', labeled(), { 'x-github-delivery': id });
      await entered;
      const closed = server.github?.close();
      server.drained.abort(new AppError('shutting_down', 'Over.'));
      await closed;
      assert.equal((await server.ended(id))['code'], 'shutting_down');
      assert.equal(server.fake.comments.length, 0);
    });
  });
});

describe('calls of the API', () => {
  it('nobody there: github_unavailable; an abort ends the wait with its reason', async () => {
    const fake = await FakeGitHub.listen();
    const { url } = fake;
    fake.close();
    const never = new AbortController().signal;
    const route = 'GET /repos/{owner}/{repo}';
    const token = (): Promise<string> => Promise.resolve('t');
    const quick = new GitHubApi({ apiUrl: url, token, firstWaitMs: 1 });
    await assert.rejects(quick.call(route, { owner: 'a', repo: 'b' }, never), (error: GitHubError) => {
      return error.code === 'github_unavailable' && error.status === 0 && error.message === `${route}: no answer`;
    });
    const stop = new AbortController();
    const slow = new GitHubApi({
      apiUrl: url,
      firstWaitMs: 50_000,
      token: () => {
        // Aborted while it waits for the second attempt, or before.
        setImmediate(() => {
          stop.abort(new Error('stopped'));
        });
        return Promise.resolve('t');
      },
    });
    await assert.rejects(slow.call(route, { owner: 'a', repo: 'b' }, stop.signal), /^Error: stopped$/);
  });
});
