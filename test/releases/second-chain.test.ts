// Proves: a chain beside the first one is served under its own name as soon as a release has its agents, and changes nothing of the first.
import { strict as assert } from 'node:assert';
import { assertError, contract } from '../server/helpers.js';
import { SwapServer } from './swap-server.js';
import { saveRandomAgent } from './tiny-agents.js';

const PROMPT = 'def largest(items):\n    """ Give the largest of the items that are given. """\n';

describe('a second chain', () => {
  let server: SwapServer;
  before(async () => {
    server = await SwapServer.open();
  });
  after(() => server.close());

  const ask = (path: string, body: object): Promise<Response> =>
    fetch(`${server.process.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'humaneval', max_tokens: 40, ...body }),
    });
  const models = async (): Promise<string[]> => {
    const { data } = (await (await fetch(`${server.process.url}/v1/models`)).json()) as { data: { id: string }[] };
    return data.map(({ id }) => id);
  };
  const first = ['pipeline', 'backbone', 'backbone:issue-analysis', 'backbone:code-generation'];

  it('is not there without its agents', async () => {
    assert.deepEqual(await models(), first);
    const { message } = await assertError(await ask('/v1/completions', { prompt: PROMPT }), 404, 'model_not_found');
    assert.match(message, /no agent specification and no agent implementation/);
    await assertError(await fetch(`${server.process.url}/v1/models/humaneval`), 404, 'model_not_found');
  });

  it('is served from the release that has both, named in answers, metrics and after a restart; a rollback takes it away', async () => {
    const before = await server.ask();
    const specification = await server.stored('specification', 1);
    const implementation = await server.stored('implementation', 1);
    const { stable } = await server.admin.releases();
    const publish = (body: object): Promise<Response> =>
      server.admin.send('/v1/releases', { expected_release: stable.id, ...body });
    await assertError(await publish({}), 422, 'invalid_request');
    await assertError(await publish({ other_agent: specification }), 422, 'invalid_request');
    await assertError(await publish({ specification: implementation }), 422, 'agent_wrong_name');
    const published = await publish({ specification, implementation });
    assert.equal(published.status, 200, await published.clone().text());
    assert.deepEqual(contract.schema('Releases')(await published.json()), []);

    assert.deepEqual(await models(), [...first, 'backbone:specification', 'backbone:implementation', 'humaneval']);
    const after = await server.ask();
    assert.deepEqual(after.patches, before.patches, 'the first chain answers as before');
    const { release } = after;
    assert.deepEqual({ ...release }, { ...before.release, id: release.id, specification, implementation });

    const answers = async (): Promise<unknown[]> => {
      const text = await (await ask('/v1/completions', { prompt: PROMPT, seed: 3 })).json();
      const chat = await (await ask('/v1/chat/completions', { messages: [{ role: 'user', content: PROMPT }] })).json();
      return [text, chat].map((answer) => {
        const { choices, system_fingerprint, usage } = answer as Record<string, unknown>;
        return { choices, system_fingerprint, usage };
      });
    };
    const answered = await answers();
    for (const answer of answered)
      assert.equal((answer as { system_fingerprint: string }).system_fingerprint, release.id);
    await assertError(await ask('/v1/completions', { prompt: 'no function' }), 422, 'invalid_request');
    await assertError(await ask('/v1/completions', { prompt: PROMPT, top_p: 0.5 }), 400, 'unsupported_parameter');
    const metrics = await (await fetch(`${server.process.url}/metrics`)).text();
    assert.match(
      metrics,
      new RegExp(`agent_info\\{agent="specification",label="stable",generation="${specification}"\\} 1`),
    );
    assert.match(metrics, /generation_tokens_total\{agent="implementation"\} [1-9]/);

    await server.kill();
    await server.start();
    assert.deepEqual(await answers(), answered, 'the same answers after a restart');
    const rolledBack = await server.admin.send('/v1/releases/rollback', { expected_release: release.id });
    assert.equal(rolledBack.status, 200);
    assert.deepEqual(await models(), first);
  });

  it('can be loaded from AGENTS_DIR and by one agent after the other', async () => {
    for (const name of ['specification', 'implementation'] as const) {
      await assertError(await ask('/v1/completions', { prompt: PROMPT }), 404, 'model_not_found');
      const { file } = await saveRandomAgent(server.agentsDir, name, 2);
      const loaded = await server.admin.send('/v1/load_lora_adapter', { lora_name: name, lora_path: file });
      assert.equal(loaded.status, 200, await loaded.text());
    }
    assert.equal((await ask('/v1/completions', { prompt: PROMPT })).status, 200);
  });
});
