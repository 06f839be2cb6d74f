// Proves: who may change what is served, who may ask, on which port, with which keys, and that a new key counts without a restart.
import { strict as assert } from 'node:assert';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assertError, body, contract } from '../server/helpers.js';
import { KEY } from './admin-client.js';
import { SwapServer } from './swap-server.js';

const withKey = (key: string): RequestInit => ({
  headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
});

describe('access', () => {
  let server: SwapServer;
  let keyFile: string;
  let apiKeyFile: string;
  before(async () => {
    server = await SwapServer.open();
    keyFile = join(server.folder, 'admin-keys');
    apiKeyFile = join(server.folder, 'api-keys');
  });
  after(() => server.close());

  const restart = async (more: Record<string, string>): Promise<void> => {
    await server.kill();
    await server.start(more);
  };
  /** Every operation of the admin API without a key. */
  const adminOperations = Object.entries(contract.document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { tags }]) => tags.includes('admin'))
      .map(([method]) => ({ path, method: method.toUpperCase() })),
  );

  it('the admin API needs its key, on every path', async () => {
    assert.ok(adminOperations.length >= 10);
    for (const { path, method } of adminOperations) {
      for (const authorization of ['', 'Bearer wrong', `Basic ${KEY}`]) {
        const response = await server.admin.fetch(path, { method, headers: { authorization } });
        assert.equal(response.headers.get('www-authenticate'), 'Bearer', path);
        await assertError(response, 401, 'unauthorized');
      }
    }
    assert.ok(!JSON.stringify(server.process.log).includes(KEY));
  });

  it('the admin API can have its own port, and then is nowhere else', async () => {
    await restart({ ADMIN_PORT: '0' });
    const { url, adminUrl } = server.process;
    assert.notEqual(adminUrl, url);
    assert.equal((await server.admin.releases()).stable.id.length, 64);
    for (const { path, method } of adminOperations) {
      await assertError(await fetch(`${url}${path}`, { method, ...withKey(KEY) }), 404, 'not_found');
    }
    assert.equal((await server.process.post(body)).status, 200);
    for (const path of ['/health', '/ready', '/metrics']) {
      assert.equal((await fetch(`${url}${path}`)).status, 200);
      await assertError(await fetch(`${adminUrl}${path}`), 404, 'not_found');
    }
    const sent = { method: 'POST', ...withKey(KEY), body: JSON.stringify(body) };
    await assertError(await fetch(`${adminUrl}/v1/patches`, sent), 404, 'not_found');
    assert.equal(await server.process.stop(), 0);
  });

  it('without a key the admin API is off; with a key file it comes and goes with the file', async () => {
    await restart({ ADMIN_API_KEY: '', ADMIN_API_KEY_FILE: keyFile });
    await assertError(await server.admin.fetch('/v1/releases'), 403, 'admin_off');
    await writeFile(keyFile, `new-key\n${KEY}\n`);
    assert.equal((await server.admin.fetch('/v1/releases')).status, 200);
    await writeFile(keyFile, 'new-key\n');
    await assertError(await server.admin.fetch('/v1/releases'), 401, 'unauthorized');
    await rm(keyFile);
    await assertError(await server.admin.fetch('/v1/releases'), 403, 'admin_off');
  });

  it('the inference API asks for a key when one is configured, whatever the spelling of the path', async () => {
    await restart({ API_KEY: 'of-the-environment', API_KEY_FILE: apiKeyFile });
    const ask = async (init?: RequestInit): Promise<number> => (await server.process.post(body, init)).status;
    const response = await server.process.post(body);
    assert.equal(response.headers.get('www-authenticate'), 'Bearer');
    await assertError(response, 401, 'unauthorized');
    for (const path of ['/v1/patches', '/V1/patches', '/v1/patches/', '//v1/patches']) {
      const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      await assertError(await fetch(`${server.process.url}${path}`, sent), 401, 'unauthorized');
    }
    // The admin key opens the admin API only, and the other way round.
    assert.equal(await ask(withKey(KEY)), 401);
    await assertError(await server.admin.fetch('/v1/releases', withKey('of-the-environment')), 401, 'unauthorized');
    assert.equal((await server.admin.fetch('/v1/releases')).status, 200);
    assert.equal(await ask(withKey('of-the-environment')), 200);
    for (const path of ['/health', '/ready', '/metrics']) {
      assert.equal((await fetch(`${server.process.url}${path}`)).status, 200);
    }
    await writeFile(apiKeyFile, 'first\nsecond\n');
    assert.deepEqual([await ask(withKey('first')), await ask(withKey('second'))], [200, 200]);
    await writeFile(apiKeyFile, 'second\n');
    assert.deepEqual([await ask(withKey('first')), await ask(withKey('second'))], [401, 200]);
    assert.ok(!/of-the-environment|second/.test(JSON.stringify(server.process.log)));
  });

  it('a key file of the inference API that is gone lets nobody in', async () => {
    await restart({ API_KEY_FILE: join(server.folder, 'none') });
    for (const key of ['', 'undefined', 'x']) {
      await assertError(await server.process.post(body, withKey(key)), 401, 'unauthorized');
    }
  });
});
