import { createHmac, randomUUID } from 'node:crypto';
import { serve, type TestServer } from '../server/helpers.js';
import { FakeGitHub } from './fake-github.js';

export const SECRET = 'webhook-secret';

/** Files of the fake repository; the fake model's patch fits `shop/pages.py`. */
export const FILES = {
  'shop/pages.py': 'def page_count(items, size):\n    return len(items) // size\n',
  'shop/cart.py': 'def total(cart):\n    return sum(cart)\n',
  'test/test_pages.py': 'def test_page_count():\n    assert page_count([1], 2) == 1\n',
  'README.md': 'A shop.\n',
};

export const repository = { id: 4711, name: 'shop', owner: { login: 'acme' }, default_branch: 'main' };

/** A payload of `issues`. */
export function labeled(issue: object = {}, more: object = {}): object {
  return {
    action: 'labeled',
    label: { name: 'agentic-seq2seq' },
    issue: { number: 7, title: 'The last page is missing', body: 'See `shop/pages.py`.', state: 'open', ...issue },
    repository,
    ...more,
  };
}

/** A payload of `pull_request` about a draft. */
export function closed(body: string, merged: boolean, head: object = {}): object {
  return {
    action: 'closed',
    pull_request: { merged, body, head: { ref: 'agentic-seq2seq/issue-7', repo: { id: repository.id }, ...head } },
    repository,
  };
}

/** The app with its webhook on, beside a fake GitHub. */
export interface WebhookServer extends TestServer {
  readonly fake: FakeGitHub;
  deliver(event: string, payload: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** Waits for the end of a delivery and returns its log line. */
  ended(delivery: string): Promise<Record<string, unknown>>;
  /** Delivers, waits for the end, returns the log line. */
  work(event: string, payload: unknown): Promise<Record<string, unknown>>;
  metric(series: string): Promise<number>;
}

export async function serveWebhook(environment: NodeJS.ProcessEnv = {}): Promise<WebhookServer> {
  const fake = await FakeGitHub.listen();
  fake.push(FILES, { 'shop/pages.py': '100755' });
  const server = await serve({
    GITHUB_WEBHOOK_SECRET: SECRET,
    GITHUB_TOKEN: fake.token,
    GITHUB_API_URL: fake.url,
    ...environment,
  });
  const deliver: WebhookServer['deliver'] = (event, payload, headers = {}) => {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    return fetch(`${server.url}/v1/github/webhook`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-github-event': event,
        'x-github-delivery': randomUUID(),
        'x-hub-signature-256': signature(text),
        ...headers,
      },
      body: text,
    });
  };
  const ended: WebhookServer['ended'] = async (delivery) => {
    for (;;) {
      const line = server.log.find((one) => one['delivery'] === delivery);
      if (line) return line;
      await new Promise(setImmediate);
    }
  };
  return {
    ...server,
    fake,
    deliver,
    ended,
    work: async (event, payload) => {
      const delivery = randomUUID();
      await (await deliver(event, payload, { 'x-github-delivery': delivery })).text();
      return ended(delivery);
    },
    metric: async (series) => {
      const text = await (await fetch(`${server.url}/metrics`)).text();
      const line = text.split('\n').find((one) => one.startsWith(`${series} `));
      return line === undefined ? 0 : Number(line.slice(series.length + 1));
    },
    close: async () => {
      await server.github?.close();
      await server.close();
      fake.close();
    },
  };
}

export function signature(text: string, secret = SECRET): string {
  return `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`;
}
