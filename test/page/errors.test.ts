// Proves: every refusal is shown with code, message and what to do; a cancelled request frees its place; no confident patch is
// said as such.
import { strict as assert } from 'node:assert';
import type { Browser } from 'playwright-core';
import { hangingRun, result, serve, type TestServer } from '../server/helpers.js';
import { startTinyServer, untilMetric } from '../server/tiny-server.js';
import { openBrowser, Visitor } from './visitor.js';

describe('the page: errors', () => {
  let browser: Browser | undefined;
  let visitor: Visitor;
  before(async function () {
    browser = await openBrowser(this);
  });
  after(() => browser?.close());
  afterEach(() => visitor.leave());

  describe('of the API', () => {
    let server: TestServer;
    const open = async (environment: NodeJS.ProcessEnv = {}): Promise<void> => {
      server = await serve(environment);
      visitor = await Visitor.at(browser!, server.url);
    };
    afterEach(() => server.close());

    const refused = async (code: RegExp, advice: RegExp): Promise<void> => {
      await visitor.propose();
      await visitor.says('#patch-error', code);
      const text = await visitor.page.getByRole('alert').innerText();
      assert.match(text, advice);
      assert.equal(await visitor.focused(), text);
      // The way back is open.
      await visitor.page.locator('#propose[aria-disabled=false]').waitFor();
    };

    it('401 without the key, an answer with it; the key is nowhere in the browser’s stores', async () => {
      await open({ API_KEY: 'key-of-the-page' });
      await visitor.fill();
      await refused(/unauthorized \(401\)/, /Type the key/);
      await visitor.page.getByLabel('API key').fill('key-of-the-page');
      await visitor.answered();
      assert.ok(await visitor.page.locator('#patch-error').isHidden());
      const { cookies, origins } = await visitor.page.context().storageState({ indexedDB: true });
      assert.deepEqual([cookies, origins], [[], []]);
      assert.equal(await visitor.page.evaluate('sessionStorage.length'), 0);
      await visitor.page.reload();
      assert.equal(await visitor.page.getByLabel('API key').inputValue(), '');
    });

    it('413 when there are too many files', async () => {
      await open({ MAX_FILES: '1' });
      await visitor.fill();
      await visitor.pick('other.py', 'x\n');
      await refused(/too_many_files \(413\): 2 files; at most 1/, /Remove files/);
    });

    it('422 with each place', async () => {
      await open();
      await visitor.fill(' ');
      await refused(/empty_issue \(422\)/, /\/issue is empty[\s\S]*beginning with a title/);
      await visitor.fill();
      await visitor.page.getByLabel('Patches wanted').fill('9');
      await refused(/invalid_request \(422\)/, /\/n must be at most 8/);
      await visitor.page.getByLabel('Patches wanted').fill('');
      await refused(/invalid_request \(422\)/, /\/n must be >= 1/);
    });

    it('an error in the middle of a stream', async () => {
      await open();
      server.host.behaviour = () => Promise.reject(new Error('secret'));
      await visitor.fill();
      await refused(/^internal_error: The server failed/, /tell the operator/);
    });

    it('a server that is gone', async () => {
      await open();
      await visitor.fill();
      await server.close();
      await refused(/^unreachable/, /Look whether the server runs/);
    });

    it('no confident patch, with the reason and no patch', async () => {
      await open();
      server.host.behaviour = (_request, { onEvent }) => {
        onEvent?.({ type: 'candidate', patch: result.patches[0]! });
        return Promise.resolve({ ...result, status: 'abstained', abstained_because: 'low_confidence', patches: [] });
      };
      await visitor.fill();
      await visitor.answered();
      await visitor.says('#abstained', /No confident patch\.[\s\S]*scored too low/);
      await visitor.says('#progress', /^Done: no confident patch\.$/);
      assert.equal(await visitor.page.locator('.patch').count(), 0);
    });

    it('what comes from the model or the request is text, never markup', async () => {
      await open();
      const markup = '<img src=x onerror=alert(1)><script>alert(1)</script>';
      const patch = { ...result.patches[0]!, diff: `--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n+${markup}\n`, files: [markup] };
      server.host.behaviour = () => Promise.resolve({ ...result, patches: [patch] });
      await visitor.fill(`${markup}\n`, markup);
      await visitor.answered();
      assert.ok((await visitor.page.locator('.diff').innerText()).includes(markup));
      assert.equal(await visitor.page.locator('#answer img, #answer script').count(), 0);
    });

    it('an answer being computed is cancelled by its button, and the focus goes back', async () => {
      await open();
      const hanging = hangingRun();
      server.host.behaviour = hanging.behaviour;
      await visitor.fill();
      await visitor.propose();
      await hanging.entered;
      await visitor.page.getByRole('button', { name: 'Cancel' }).press('Enter');
      await visitor.says('#progress', /^Cancelled/);
      assert.equal(await visitor.focused(), 'Propose patches');
      server.host.behaviour = () => Promise.resolve(result);
      await visitor.answered();
    });
  });

  describe('of the engine', () => {
    let server: Awaited<ReturnType<typeof startTinyServer>>;
    beforeEach(async () => {
      server = await startTinyServer({ QUEUE_SIZE: '0' });
      visitor = await Visitor.at(browser!, server.url);
    });
    afterEach(() => server.close());

    it('429 while another request is computed, and Cancel frees the place for it', async () => {
      const other = await Visitor.at(browser!, server.url);
      await other.fill();
      // Long for the tiny model: the other visitor comes meanwhile.
      const content = Array.from({ length: 400 }, (_, i) => `def f${i}(a, b):\n    return a + b * ${i}\n`).join('\n');
      await visitor.page.getByLabel('Patches wanted').fill('8');
      await visitor.fill('f7 is wrong\n\nIt adds b twice in f7.', content);
      await visitor.propose();
      await visitor.says('#written', /./);
      await other.propose();
      await other.says('#patch-error', /overloaded \(429\)[\s\S]*The server is busy\. Try again in \d+ s\./);
      await visitor.page.getByRole('button', { name: 'Cancel' }).click();
      await visitor.says('#progress', /^Cancelled/);
      await untilMetric(server.url, 'agentic_requests_finished_total{outcome="cancelled"}', 1);
      await untilMetric(server.url, 'agentic_requests_running', 0);
      await other.answered();
      await other.leave();
    });
  });
});
