// Proves: releases are seen and changed with the admin key alone, the charts follow the metrics of the real server, and the view
// says why where it cannot reach the admin API.
import { strict as assert } from 'node:assert';
import type { Browser } from 'playwright-core';
import { KEY } from '../releases/admin-client.js';
import { SwapServer } from '../releases/swap-server.js';
import { saveRandomAgent } from '../releases/tiny-agents.js';
import { serve } from '../server/helpers.js';
import { openBrowser, Visitor } from './visitor.js';

describe('the page: releases and metrics', () => {
  let browser: Browser | undefined;
  let server: SwapServer | undefined;
  let visitor: Visitor;
  before(async function () {
    browser = await openBrowser(this);
    server = await SwapServer.open();
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });
  afterEach(() => visitor.leave());

  const open = async (url: string, key?: string): Promise<void> => {
    visitor = await Visitor.at(browser!, url);
    await visitor.page.getByRole('tab', { name: 'Releases' }).click();
    if (key === undefined) return;
    await visitor.page.getByLabel('Admin key').fill(key);
    await press('Show releases');
  };
  const press = (name: string): Promise<void> => visitor.page.getByRole('button', { name }).click();
  const said = (text: RegExp): Promise<void> => visitor.says('#admin-status', text);
  const shown = (label: string, column: number): Promise<string | null> =>
    visitor.page.locator('#labels tr').filter({ hasText: label }).locator('td code').nth(column).getAttribute('title');

  it('a wrong key is refused; the right one shows what is served', async () => {
    await open(server!.process.url, 'wrong');
    await visitor.says('#admin-error', /unauthorized \(401\)[\s\S]*Type the key/);
    assert.ok(await visitor.page.locator('#admin').isHidden());
    await visitor.page.getByLabel('Admin key').fill(KEY);
    await press('Show releases');
    await said(/These are the releases now/);
    const { stable } = await server!.admin.releases();
    assert.deepEqual(
      [await shown('stable', 0), await shown('stable', 1), await shown('stable', 2)],
      [stable.id, stable.issue_analysis, stable.code_generation],
    );
  });

  it('an agent is stored, published, rolled back; as a canary promoted and taken away', async () => {
    const { file, agent } = await saveRandomAgent(server!.folder, 'code-generation', 77);
    const { stable: first } = await server!.admin.releases();
    await open(server!.process.url, KEY);
    await said(/These are the releases now/);
    assert.ok(await visitor.page.getByRole('button', { name: 'Roll stable back' }).isDisabled());

    await visitor.page.getByLabel('Agent file').setInputFiles(file);
    await press('Check and store');
    await said(/^Stored: code-generation-77/);
    await visitor.page.getByLabel('Code agent', { exact: true }).selectOption(agent.generation);
    await press('Publish');
    await said(/^Published/);
    assert.equal((await server!.admin.releases()).stable.code_generation, agent.generation);
    assert.equal(await shown('stable', 2), agent.generation);

    await press('Roll stable back');
    await said(/release before again/);
    assert.equal((await server!.admin.releases()).stable.id, first.id);

    const publishCanary = async (): Promise<void> => {
      await visitor.page.getByLabel('Code agent', { exact: true }).selectOption(agent.generation);
      await visitor.page.getByLabel('To', { exact: true }).selectOption('canary');
      await visitor.page.getByLabel('Share of the requests').fill('25');
      await press('Publish');
      await said(/^Published/);
    };
    await publishCanary();
    const { canary } = await server!.admin.releases();
    assert.deepEqual([canary?.weight, canary?.release.code_generation], [0.25, agent.generation]);
    await press('Take the canary away');
    await said(/no canary any more/);
    assert.equal((await server!.admin.releases()).canary, null);
    await publishCanary();
    await press('Promote the canary');
    await said(/canary is stable now/);
    assert.equal((await server!.admin.releases()).stable.code_generation, agent.generation);
    const actions = await visitor.page.locator('#history tr td:nth-child(2)').allTextContents();
    assert.deepEqual(actions.slice(0, 3), ['promote', 'publish', 'rollback']);
    await press('Roll stable back');
    await said(/release before again/);
  });

  it('a change made elsewhere is shown', async () => {
    const generation = await server!.stored('code-generation', 78);
    const { stable } = await server!.admin.releases();
    await open(server!.process.url, KEY);
    await said(/These are the releases now/);
    await server!.admin.change('/v1/releases', { code_generation: generation, expected_release: stable.id });
    await visitor.page.locator(`#labels [title="${generation}"]`).waitFor();
  });

  it('a damaged agent is refused with its code', async () => {
    await open(server!.process.url, KEY);
    await said(/These are the releases now/);
    const damaged = { name: 'bad.safetensors', mimeType: '', buffer: Buffer.from('no agent at all, but long enough') };
    await visitor.page.getByLabel('Agent file').setInputFiles(damaged);
    await press('Check and store');
    await visitor.says('#admin-error', /agent_\w+ \(422\)[\s\S]*cannot serve here/);
  });

  it('the charts follow what the server measures', async () => {
    await open(server!.process.url);
    const chart = (name: string) => visitor.page.locator('#charts li').filter({ hasText: name });
    const answers = chart('Time of an answer');
    assert.equal(await answers.locator('.value').innerText(), '–');
    await server!.ask();
    // The next reading finds it.
    await answers.filter({ hasText: /\d (?:m?s)/ }).waitFor();
    const points = async (): Promise<number> =>
      ((await answers.locator('polyline').getAttribute('points')) ?? '').split(' ').length;
    const before = await points();
    assert.match((await answers.locator('svg').getAttribute('aria-label')) ?? '', /^Time of an answer: .* so far$/);
    await server!.ask();
    while ((await points()) <= before);
    const applying = await chart('Answers with a patch that applies').locator('.value').innerText();
    assert.match(applying, /^\d+ %$/);
    assert.equal(await visitor.page.locator('#charts li').count(), 10);
  });

  it('says why agents cannot be managed here', async () => {
    const off = await serve({});
    const apart = await serve({ ADMIN_API_KEY: KEY, ADMIN_PORT: '0' });
    try {
      await open(off.url);
      await visitor.says('#admin-elsewhere', /started without ADMIN_API_KEY/);
      assert.ok(await visitor.page.getByLabel('Admin key').isHidden());
      await visitor.leave();
      await open(apart.url);
      await visitor.says('#admin-elsewhere', /another port \(ADMIN_PORT\)/);
    } finally {
      await Promise.all([off.close(), apart.close()]);
    }
  });
});
