// Proves: the real process, with the tiny model, does what openapi.yaml says from start to signal.
import { strict as assert } from 'node:assert';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { itServes, longRequest } from './end-to-end.js';
import { ServerProcess } from './server-process.js';
import { isInstalled } from '../helpers/installed.js';
import { promtool } from '../project/promtool.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';

/** Its weights are random, so its patches are worthless; all are wanted here. */
const tiny = { MODEL_DIR: TINY_DIRECTORY, AGENTS_DIR: TINY_DIRECTORY, ABSTAIN_BELOW: '0', THREADS: '1' };

describe('server process, tiny model', () => {
  let server: ServerProcess;
  before(async () => {
    server = new ServerProcess(tiny);
    await server.logged('ready');
  });
  after(() => server.stop('SIGKILL'));

  itServes(() => server);

  it('has metrics that promtool accepts', async function () {
    if (!isInstalled('promtool')) this.skip();
    const all = await (await fetch(`${server.url}/metrics`)).text();
    // The colon is vLLM's: gateways look for that name. promtool would keep it for recording rules.
    await promtool(['check', 'metrics'], all.replaceAll(/^(?:# \w+ )?vllm:.*\n/gm, ''));
  });
});

describe('start and end of the server process', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`${signal}: finishes the running request, refuses the waiting one, exits 0`, async () => {
      const server = new ServerProcess(tiny);
      await server.logged('ready');
      const body = await longRequest();
      const running = server.post(body);
      await server.untilMetric('agentic_requests_running', 1);
      const waiting = server.post(body);
      await server.untilMetric('agentic_requests_waiting', 1);
      server.child.kill(signal);
      assert.equal((await running).status, 200);
      assert.equal((await waiting).status, 503);
      assert.equal(await server.exited, 0);
      assert.equal(server.stderr, '');
    });
  }

  it('SIGTERM while the model loads: exits 0', async () => {
    const server = new ServerProcess(tiny);
    await server.logged('listening');
    assert.equal(await server.stop(), 0);
  });

  it('stops a request that outlives the drain time, exits 0', async () => {
    const server = new ServerProcess({ ...tiny, DRAIN_TIMEOUT_MS: '1' });
    await server.logged('ready');
    const running = server.post(await longRequest());
    await server.untilMetric('agentic_requests_running', 1);
    server.child.kill('SIGTERM');
    assert.equal((await running).status, 503);
    assert.equal(await server.exited, 0);
  });

  it('exits 1 when the model cannot be loaded, and says why', async () => {
    const server = new ServerProcess({ ...tiny, MODEL_DIR: '/nowhere' });
    const { err } = await server.logged('cannot load the model');
    assert.match(err?.message ?? '', /\/nowhere/);
    assert.equal(await server.exited, 1);
  });

  it('exits 1 when the port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const server = new ServerProcess({ ...tiny, PORT: String((other.address() as AddressInfo).port) });
    await server.logged('cannot listen');
    assert.equal(await server.exited, 1);
    other.close();
  });

  it('exits 2 when the environment is wrong', async () => {
    const server = new ServerProcess({ ...tiny, PORT: 'eighty' });
    assert.equal(await server.exited, 2);
    assert.match(server.stderr, /PORT must be integer/);
  });
});
