// Proves: the page and its files are sent with types, tags and a strict policy, need no key, and every documented status is sent.
import { strict as assert } from 'node:assert';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../server/config.js';
import { assertError, contract, documentedStatuses, serve, type TestServer } from '../server/helpers.js';

describe('GET /', () => {
  let server: TestServer;
  const seen = new Set<string>();
  const get = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const response = await fetch(`${server.url}${path}`, init);
    seen.add(`GET ${contract.templateOf(path) ?? path} ${response.status}`);
    return response;
  };

  before(async () => {
    server = await serve({ API_KEY: 'secret', ADMIN_API_KEY: 'other', FEEDBACK_DIR: '' });
  });
  after(() => server.close());

  it('sends HTML that names its files, and each of them with its type, without a key', async () => {
    const response = await get('/');
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
    const named = [...(await response.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);
    assert.deepEqual(named.sort(), ['/page/icon.svg', '/page/main.js', '/page/style.css']);
    const modules = readdirSync(join(packageRoot, 'page')).filter((name) => name.endsWith('.ts'));
    assert.ok(modules.length > 10);
    const types = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml' };
    for (const path of [...named, ...modules.map((name) => `/page/${name.replace(/ts$/, 'js')}`)]) {
      const file = await get(path);
      assert.equal(file.status, 200, path);
      const extension = path.split('.').at(-1) as keyof typeof types;
      assert.match(
        file.headers.get('content-type') ?? '',
        new RegExp(`^${types[extension].split(';')[0]!.replace('+', '\\+')}`),
      );
    }
  });

  it('lets nothing from elsewhere in, and is framed by nobody', async () => {
    for (const path of ['/', '/page/main.js']) {
      const { headers } = await get(path);
      const policy = new Map(
        (headers.get('content-security-policy') ?? '').split('; ').map((rule) => {
          const [name = '', ...values] = rule.split(' ');
          return [name, values.join(' ')];
        }),
      );
      assert.deepEqual(Object.fromEntries(policy), {
        'default-src': "'none'",
        'script-src': "'self'",
        'style-src': "'self'",
        'img-src': "'self'",
        'connect-src': "'self'",
        'base-uri': "'none'",
        'form-action': "'none'",
        'frame-ancestors': "'none'",
        'require-trusted-types-for': "'script'",
        'trusted-types': "'none'",
      });
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('referrer-policy'), 'no-referrer');
    }
  });

  it('is asked for anew each time, and sent again only when it changed', async () => {
    for (const path of ['/', '/page/main.js']) {
      const { headers } = await get(path);
      assert.equal(headers.get('cache-control'), 'no-cache');
      const tag = headers.get('etag')!;
      assert.match(tag, /^"[\w-]{22}"$/);
      // Without a Cache-Control of its own, fetch asks for what is certainly new.
      const asBrowser = (one: string): RequestInit => ({
        headers: { 'if-none-match': one, 'cache-control': 'max-age=0' },
      });
      const again = await get(path, asBrowser(tag));
      assert.equal(again.status, 304);
      assert.equal(await again.text(), '');
      assert.equal((await get(path, asBrowser('"other"'))).status, 200);
    }
  });

  it('has no other files', async () => {
    for (const name of ['main.ts', 'main.js.map', 'elements.d.ts', 'tsconfig.json', '..%2fopenapi.yaml', '%00']) {
      await assertError(await get(`/page/${name}`), 404, 'not_found');
    }
  });

  it('tells what the page has to know', async () => {
    const settings = (await (await get('/page/settings.json')).json()) as object;
    assert.deepEqual(contract.schema('PageSettings')(settings), []);
    assert.deepEqual(settings, {
      api_key: true,
      admin_api: 'here',
      feedback: false,
      limits: { max_files: 64, max_file_bytes: 1_048_576, max_patches: 8 },
    });
    assert.doesNotMatch(JSON.stringify(settings), /secret|other/);
  });

  it('sent every documented status', () => {
    assert.deepEqual(
      documentedStatuses((tags) => tags.includes('page')).filter((one) => !seen.has(one)),
      [],
    );
  });

  it('counts under documented paths only', async () => {
    const metrics = await server.metrics.registry.metrics();
    const paths = new Set([...metrics.matchAll(/^http_requests_total\{.*path="([^"]+)"/gm)].map(([, path]) => path));
    assert.deepEqual([...paths].sort(), ['/', '/page/settings.json', '/page/{file}']);
  });
});
