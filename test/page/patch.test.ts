// Proves: in a real browser an answer of the real engine appears as it is made, its patch can be taken away and judged.
import { strict as assert } from 'node:assert';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import type { FeedbackRecord } from '../../server/feedback/record.js';
import { startTinyServer } from '../server/tiny-server.js';
import { openBrowser, PAGES, Visitor } from './visitor.js';

describe('the page: patches', () => {
  let browser: Browser | undefined;
  let server: Awaited<ReturnType<typeof startTinyServer>> | undefined;
  let folder: string;
  let visitor: Visitor;

  before(async function () {
    browser = await openBrowser(this);
    folder = await mkdtemp(join(tmpdir(), 'page-'));
    server = await startTinyServer({ FEEDBACK_DIR: folder, MAX_NEW_TOKENS: '24' });
  });
  after(async () => {
    await browser?.close();
    if (!server) return;
    await server.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    visitor = await Visitor.at(browser!, server!.url, { permissions: ['clipboard-read', 'clipboard-write'] });
  });
  afterEach(() => visitor.leave());

  const record = async (): Promise<FeedbackRecord> => {
    const facts = await visitor.page.locator('#facts').textContent();
    const [id] = /[0-9a-f-]{36}/.exec(facts ?? '') ?? [];
    return JSON.parse(await readFile(join(folder, `${id}.json`), 'utf8')) as FeedbackRecord;
  };

  it('patches that score too low are shown to whom asks for them', async () => {
    const strict = await startTinyServer({ ABSTAIN_BELOW: '1', MAX_NEW_TOKENS: '24' });
    const there = await Visitor.at(browser!, strict.url);
    try {
      await there.fill();
      await there.answered();
      assert.match(
        await there.page.locator('#abstained').innerText(),
        /scored too low[\s\S]*ask for those that score low/,
      );
      await there.page.locator('#untrusted').check();
      await there.propose();
      await there.page.locator('.diff').first().waitFor();
      await there.says('#progress', /^Done: /);
      assert.equal(await there.page.locator('#abstained').isVisible(), false);
    } finally {
      await there.leave();
      await strict.close();
    }
  });

  it('analysis and patches appear while they are made, and the answer is that of the API', async () => {
    const { page } = visitor;
    await page.evaluate(`
      window.said = [];
      new MutationObserver((changes) => {
        for (const { target } of changes) {
          if (target.id === 'progress') said.push(target.textContent);
          if (target.id === 'written') said.push('text');
          if (target.id === 'analyses' && target.children.length > 0) said.push('analysis');
          if (target.id === 'patches') said.push(target.querySelector('h3')?.textContent.split(' ')[0] ?? 'empty');
        }
      }).observe(document.getElementById('answer'), { childList: true, subtree: true })`);
    await visitor.fill();
    await visitor.answered();
    const said = await page.evaluate<string[]>('said');
    const first = (text: string): number => said.indexOf(text);
    const order = [
      'Waiting for a free worker, then reading the code…',
      'Analysing the issue…',
      'analysis',
      'Writing patches…',
      'Candidate',
      'Patch',
    ].map(first);
    assert.ok(!order.includes(-1), said.join('|'));
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
      said.join('|'),
    );
    assert.ok(said.filter((one) => one === 'text').length > 3, 'text as it is written');

    const { answer, request } = { answer: await record(), request: page.locator('#analyses li') };
    assert.equal(answer.files[0]?.content, PAGES);
    assert.ok((await request.count()) >= 1);
    assert.match(await request.first().innerText(), /Problem[\s\S]*Where[\s\S]*pages\.py::/);
    const shown = await page.locator('.diff').allTextContents();
    assert.deepEqual(
      shown,
      answer.patches.map(({ diff }) => diff),
    );
  });

  it('added, removed and place lines have colours of their own, and their signs', async () => {
    await visitor.fill();
    await visitor.answered();
    const { page } = visitor;
    const colour = (kind: string): Promise<string> =>
      page.evaluate(`getComputedStyle(document.querySelector('.diff .${kind}') ?? document.body).backgroundColor`);
    const text = (await page.locator('.diff').allTextContents()).join('');
    const kinds = ['hunk', ...(/^\+(?!\+\+)/m.test(text) ? ['add'] : []), ...(/^-(?!--)/m.test(text) ? ['del'] : [])];
    assert.ok(kinds.length > 1, text);
    const colours = await Promise.all([...kinds, 'same'].map(colour));
    assert.equal(new Set(colours).size, colours.length, colours.join(' '));
    const lines = await page.locator('.diff .add, .diff .del').allTextContents();
    for (const line of lines) assert.match(line, /^[+-]/);
  });

  it('a patch is copied and saved byte for byte', async () => {
    await visitor.fill();
    await visitor.answered();
    const { page } = visitor;
    const { diff } = (await record()).patches[0]!;
    const card = page.locator('.patch').first();
    await card.getByRole('button', { name: 'Copy' }).click();
    await card.getByText('Copied.').waitFor();
    assert.equal(await page.evaluate('navigator.clipboard.readText()'), diff);
    const saved = page.waitForEvent('download');
    await card.getByRole('button', { name: 'Download' }).click();
    const download = await saved;
    assert.equal(download.suggestedFilename(), 'patch-1.diff');
    assert.equal(await readFile(await download.path(), 'utf8'), diff);
  });

  it('accepted and rejected are kept', async () => {
    await visitor.fill();
    await visitor.answered();
    const card = visitor.page.locator('.patch').first();
    await card.getByRole('button', { name: 'Accept' }).click();
    await card.getByText('Kept: accepted.').waitFor();
    assert.equal((await record()).feedback?.verdict, 'accepted');
    await card.getByRole('button', { name: 'Reject' }).click();
    await card.getByText('Kept: rejected.').waitFor();
    assert.equal((await record()).feedback?.verdict, 'rejected');
  });

  it('a correction that does not apply is refused with its place, one that does is kept', async () => {
    await visitor.fill();
    await visitor.answered();
    const card = visitor.page.locator('.patch').first();
    await card.getByRole('button', { name: 'Correct' }).click();
    const field = card.getByLabel('The diff that is right');
    assert.equal(await field.inputValue(), (await record()).patches[0]!.diff);
    const hunk = (removed: string): string =>
      `--- a/pages.py\n+++ b/pages.py\n@@ -2,1 +2,1 @@\n-${removed}\n+    return -(-len(items) // size)\n`;
    await field.fill(hunk('    return 7'));
    const send = card.getByRole('button', { name: 'Send the correction' });
    await send.click();
    const alert = card.getByRole('alert');
    await alert.getByText('diff_does_not_apply (422)').waitFor();
    assert.match(await alert.innerText(), /line 2 is not what the diff quotes[\s\S]*Correct the diff/);
    assert.equal(await visitor.focused(), await alert.innerText());
    await field.fill(hunk('    return len(items) // size'));
    await card.getByLabel('Comment').fill('Whole numbers.');
    await send.click();
    await card.getByText('Kept: your correction.').waitFor();
    const { feedback } = await record();
    assert.equal(feedback?.verdict, 'corrected');
    assert.match(feedback.diff ?? '', /-\(-len/);
    assert.equal(feedback.comment, 'Whole numbers.');
  });
});
