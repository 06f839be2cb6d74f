// Proves: both views are usable by keyboard alone, at phone width, in light and dark, with nothing that axe objects to, and the
// policy holds against what would get into the page.
import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { KEY } from '../releases/admin-client.js';
import { SwapServer } from '../releases/swap-server.js';
import { ISSUE, openBrowser, Visitor } from './visitor.js';

describe('the page: access', () => {
  let browser: Browser | undefined;
  let server: SwapServer | undefined;
  let visitor: Visitor;
  let folder = '';
  before(async function () {
    browser = await openBrowser(this);
    folder = await mkdtemp(join(tmpdir(), 'page-feedback-'));
    server = await SwapServer.open({ FEEDBACK_DIR: folder, MAX_NEW_TOKENS: '24', API_KEY: 'key' });
  });
  after(async () => {
    await browser?.close();
    await server?.close();
    if (folder !== '') await rm(folder, { recursive: true });
  });
  afterEach(() => visitor.leave());
  const open = async (options: Parameters<typeof Visitor.at>[2] = {}): Promise<Page> => {
    visitor = await Visitor.at(browser!, server!.process.url, options);
    return visitor.page;
  };

  /** The first view with an answer, a correction begun, and an error. */
  const fillPatches = async (page: Page): Promise<void> => {
    await visitor.fill();
    await visitor.propose();
    await visitor.says('#patch-error', /unauthorized/);
    await page.getByLabel('API key').fill('key');
    await visitor.answered();
    await page.locator('.patch').first().getByRole('button', { name: 'Correct' }).click();
    await page.getByLabel('The diff that is right').first().fill('no diff');
    await page.getByRole('button', { name: 'Send the correction' }).first().click();
    await page.getByText('diff_does_not_apply').waitFor();
  };
  /** The second view with charts and releases. */
  const fillServing = async (page: Page): Promise<void> => {
    await page.getByRole('tab', { name: 'Releases' }).click();
    await page.getByLabel('Admin key').fill(KEY);
    await page.getByRole('button', { name: 'Show releases' }).click();
    await visitor.says('#admin-status', /These are the releases now/);
  };

  /** What axe objects to: rule, and where. */
  const objections = async (page: Page): Promise<string[]> => {
    // Run through the developer tools: the policy lets no such script into the page itself.
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} ${String(target)} ${failureSummary ?? ''}`),
    );
  };

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`axe finds nothing in both views, ${colorScheme}`, async () => {
      const page = await open({ colorScheme });
      assert.deepEqual(await objections(page), []);
      await fillPatches(page);
      assert.deepEqual(await objections(page), []);
      await fillServing(page);
      assert.deepEqual(await objections(page), []);
      // The scheme is followed: the ground is light or dark.
      const ground = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
      assert.equal(ground.includes('rgb(255, 255, 255)'), colorScheme === 'light', ground);
    });
  }

  it('nothing is wider than a phone of 360 pixels', async () => {
    const page = await open({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    const width = (): Promise<number> => page.evaluate('document.documentElement.scrollWidth');
    assert.equal(await width(), 360);
    await fillPatches(page);
    assert.equal(await width(), 360);
    await fillServing(page);
    assert.equal(await width(), 360);
  });

  it('the keyboard alone leads from the issue to a verdict, and through the tabs', async () => {
    const page = await open();
    const { keyboard } = page;
    // Listened for from the start: the browser shows its own chooser while nobody listens.
    page.once('filechooser', (chooser) => {
      void chooser.setFiles({ name: 'a.py', mimeType: '', buffer: Buffer.from('def a(x):\n    return x\n') });
    });
    const tabTo = async (name: string): Promise<void> => {
      for (let stops = 0; stops < 40; stops += 1) {
        await keyboard.press('Tab');
        if ((await visitor.focused()).startsWith(name)) return;
      }
      assert.fail(`${name} is not reached; the focus is on ${await visitor.focused()}`);
    };
    await tabTo('Patch');
    await tabTo('API key');
    await keyboard.type('key');
    await tabTo('Issue');
    await keyboard.type(ISSUE);
    await tabTo('Add files');
    await keyboard.press('Enter');
    await visitor.says('#files-status', /to send/);
    await tabTo('Propose patches');
    await keyboard.press('Enter');
    await visitor.says('#progress', /^Done/);
    assert.equal(await visitor.focused(), 'Answer');
    await tabTo('Accept');
    await keyboard.press('Space');
    await page.getByText('Kept: accepted.').waitFor();

    await page.getByRole('tab', { name: 'Patch' }).focus();
    await keyboard.press('ArrowRight');
    assert.equal(await visitor.focused(), 'Releases and metrics');
    assert.ok(await page.locator('#panel-serving').isVisible());
    await tabTo('Admin key');
    await page.getByRole('tab', { name: 'Releases' }).focus();
    for (const [key, name] of [
      ['ArrowRight', 'Patch'],
      ['End', 'Releases and metrics'],
      ['Home', 'Patch'],
      ['ArrowLeft', 'Releases and metrics'],
    ] as const) {
      await keyboard.press(key);
      assert.equal(await visitor.focused(), name, key);
    }
  });

  it('an inline script, a handler and markup that get into the page are not run, and nothing is sent elsewhere', async () => {
    const page = await open();
    const blocked = await page.evaluate<string[]>(`new Promise((resolve) => {
      const blocked = new Set();
      const note = (what) => {
        blocked.add(what);
        if (blocked.size === 4) resolve([...blocked].sort());
      };
      document.addEventListener('securitypolicyviolation', (event) => note(event.effectiveDirective));
      const script = document.createElement('script');
      script.append('window.intruded = true');
      document.body.append(script);
      for (const get of [
        () => document.createElement('b').setAttribute('onclick', 'window.intruded = true'),
        () => (document.body.innerHTML += '<img src=x onerror="window.intruded = true">'),
      ]) {
        try { get(); } catch (error) { note(error.name + get.toString().length); }
      }
      fetch('http://127.0.0.1:9/').catch(() => undefined);
    })`);
    assert.deepEqual(
      blocked.map((one) => one.replace(/\d+$/, '')),
      ['TypeError', 'TypeError', 'connect-src', 'require-trusted-types-for'],
    );
    assert.equal(await page.evaluate('window.intruded'), undefined);
    // The browser told of these, as it should.
    visitor.complaints.length = 0;
  });
});
