// Proves: files and folders get into the request by picking and by dropping, with the paths of their repository, byte for byte,
// and what is no text or nobody's own code stays out.
import { strict as assert } from 'node:assert';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { serve, type TestServer } from '../server/helpers.js';
import { ISSUE, openBrowser, Visitor } from './visitor.js';

const marked = '\ufeffa = 1\r\nb = "ü"';

describe('the page: files', () => {
  let browser: Browser | undefined;
  let server: TestServer;
  let folder: string;
  let visitor: Visitor;

  before(async function () {
    browser = await openBrowser(this);
    folder = join(await mkdtemp(join(tmpdir(), 'page-')), 'shop');
    for (const [path, content] of Object.entries({
      'pages.py': 'x = 1\n',
      'deep/er/marked.py': marked,
      'picture.png': '\x89PNG\0\0',
      'latin.py': Buffer.from('# \xfc\n', 'latin1'),
      'large.py': 'x'.repeat(2000),
      '.git/config': '[core]\n',
      'node_modules/other/index.js': '1\n',
    })) {
      await mkdir(join(folder, path, '..'), { recursive: true });
      await writeFile(join(folder, path), content);
    }
  });
  after(async () => {
    await browser?.close();
    if (folder) await rm(join(folder, '..'), { recursive: true });
  });
  beforeEach(async () => {
    server = await serve({ MAX_FILE_BYTES: '1000', MAX_FILES: '3' });
    visitor = await Visitor.at(browser!, server.url);
  });
  afterEach(async () => {
    await server.close();
    await visitor.leave();
  });

  /** What the server was asked after sending. */
  const sent = async (): Promise<Record<string, string | Uint8Array>> => {
    await visitor.page.getByLabel('Issue').fill(ISSUE);
    await visitor.answered();
    const { issue, files } = server.host.requests.at(-1)!;
    assert.equal(issue.title, 'The last page is missing');
    return Object.fromEntries(files.map(({ path, content }) => [path, content]));
  };

  /** Drops files or folders of the disk, as a hand would. */
  const drop = async (paths: string[]): Promise<void> => {
    const zone = (await visitor.page.locator('#drop-zone').boundingBox())!;
    const devtools = await visitor.page.context().newCDPSession(visitor.page);
    const data = { items: [], files: paths, dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      await devtools.send('Input.dispatchDragEvent', { type, x: zone.x + 20, y: zone.y + 20, data });
    }
    await visitor.says('#files-status', /to send/);
  };

  it('a dropped folder is the repository; binary, foreign and large files stay out and are named', async () => {
    await drop([folder]);
    const status = await visitor.page.locator('#files-status').innerText();
    assert.match(status, /^2 files added\. Left out: .*2 files to send\.$/);
    for (const out of ['picture.png (not text', 'latin.py (not text', 'large.py (larger than 1000 bytes)']) {
      assert.ok(status.includes(out), status);
    }
    assert.doesNotMatch(status, /\.git|node_modules/);
    assert.deepEqual(await sent(), { 'pages.py': 'x = 1\n', 'deep/er/marked.py': marked });
  });

  it('a picked folder gives the same', async () => {
    await visitor.page.locator('#pick-folder').setInputFiles(folder);
    await visitor.says('#files-status', /to send/);
    assert.deepEqual(await sent(), { 'pages.py': 'x = 1\n', 'deep/er/marked.py': marked });
  });

  it('several files are dropped by their names, beside folders by theirs', async () => {
    await drop([join(folder, 'pages.py'), join(folder, 'deep')]);
    assert.deepEqual(await sent(), { 'pages.py': 'x = 1\n', 'deep/er/marked.py': marked });
  });

  it('the same path again replaces the file; files are removed one by one and together', async () => {
    await visitor.pick('a.py', 'old\n');
    await visitor.pick('a.py', 'new\n');
    await visitor.pick('b.py', 'b\n');
    await visitor.page.getByRole('button', { name: 'Remove b.py' }).click();
    assert.equal(await visitor.focused(), 'Remove');
    assert.deepEqual(await sent(), { 'a.py': 'new\n' });
    await visitor.page.getByRole('button', { name: 'Remove all' }).click();
    assert.equal(await visitor.page.locator('#files li').count(), 0);
  });

  it('more files than the server takes are told before they are sent', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await visitor.pick(`${name}.py`, 'x\n');
    await visitor.says('#files-status', /4 files to send\. This server takes 3/);
  });
});
