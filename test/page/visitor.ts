import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Quiet and offline: nothing but the page's own requests leaves the browser. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Shop code small enough for the tiny model to answer soon. */
export const PAGES = 'def page_count(items, size):\n    return len(items) // size\n';
export const ISSUE = 'The last page is missing\n\n21 items make 2 pages of 10 in page_count.';

/** The system's Chromium; skips the suite, saying so, where there is none. */
export async function openBrowser(suite: Mocha.Context): Promise<Browser> {
  const executablePath = PROGRAMS.find((program) => existsSync(program));
  if (executablePath === undefined) {
    console.log(`    skipped: none of ${PROGRAMS.join(', ')} is there`);
    suite.skip();
  }
  return chromium.launch({ executablePath, args: ARGUMENTS });
}

/** A fresh visitor of the page. Whatever the browser complains about is thrown when the visit ends. */
export class Visitor {
  readonly complaints: string[] = [];

  private constructor(readonly page: Page) {}

  static async at(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visitor> {
    const context = await browser.newContext(options);
    const visitor = new Visitor(await context.newPage());
    visitor.page.setDefaultTimeout(60_000);
    visitor.page.on('pageerror', (error) => visitor.complaints.push(error.message));
    visitor.page.on('console', (message) => {
      // The browser reports each answer that is an error; the page shows those.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
        visitor.complaints.push(message.text());
      }
    });
    await visitor.page.goto(url);
    // The script has read the settings.
    await visitor.page.locator('#charts li').first().waitFor({ state: 'attached' });
    return visitor;
  }

  /** Types an issue and picks a file. */
  async fill(issue = ISSUE, content = PAGES): Promise<void> {
    await this.page.getByLabel('Issue').fill(issue);
    await this.pick('pages.py', content);
  }

  /** Picks a file by its input. */
  async pick(name: string, content: string | Buffer): Promise<void> {
    const file = { name, mimeType: 'text/plain', buffer: Buffer.from(content) };
    await this.page.locator('#pick-files').setInputFiles(file);
    await this.says('#files-status', /to send/);
  }

  propose(): Promise<void> {
    return this.page.getByRole('button', { name: 'Propose patches' }).click();
  }

  /** Proposes and waits for the whole answer. */
  async answered(): Promise<void> {
    await this.propose();
    await this.says('#progress', /^Done/);
  }

  /** Waits until an element's text fits. */
  async says(selector: string, text: RegExp): Promise<void> {
    await this.page.locator(selector).filter({ hasText: text }).waitFor();
  }

  /** The text, or else the label, of what has the focus. */
  focused(): Promise<string> {
    return this.page.evaluate(`((one) =>
      one.innerText || one.getAttribute('aria-label') || one.labels?.[0]?.innerText || one.tagName)(document.activeElement)`);
  }

  /** Ends the visit. */
  async leave(): Promise<void> {
    await this.page.context().close();
    if (this.complaints.length > 0) throw new Error(this.complaints.join('\n'));
  }
}
