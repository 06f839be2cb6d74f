// Proves: tools that load and unload adapters as vLLM does change what is served, in the same way and with the same refusals as the others.
import { strict as assert } from 'node:assert';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { assertError, contract } from '../server/helpers.js';
import { SwapServer } from './swap-server.js';
import { saveRandomAgent } from './tiny-agents.js';

describe('adapters in the shapes of vLLM', () => {
  let server: SwapServer;
  before(async () => {
    server = await SwapServer.open();
  });
  after(() => server.close());

  const load = (body: unknown): Promise<Response> => server.admin.send('/v1/load_lora_adapter', body);
  const unload = (lora_name: string): Promise<Response> => server.admin.send('/v1/unload_lora_adapter', { lora_name });
  const succeeds = async (response: Promise<Response>, text: string): Promise<void> => {
    const { status, headers } = await response;
    assert.deepEqual([status, await (await response).text()], [200, `Success: LoRA adapter '${text} successfully.`]);
    assert.match(headers.get('content-type') ?? '', /^text\/plain/);
  };

  it('loads an agent for the very next request, lists it, and unloads it again', async () => {
    const first = await server.ask();
    const { file, agent } = await saveRandomAgent(server.agentsDir, 'code-generation', 1);
    await succeeds(
      load({ lora_name: 'code-generation', lora_path: file, load_inplace: true }),
      "code-generation' added",
    );
    assert.equal((await server.ask()).release.code_generation, agent.generation);
    const response = await server.admin.fetch('/v1/lora_adapters');
    const list = (await response.json()) as { data: { id: string; generation: string; bytes: number }[] };
    assert.deepEqual(contract.schema('LoraAdapterList')(list), []);
    assert.deepEqual(
      list.data.map(({ id, generation }) => [id, generation]),
      [
        ['code-generation', agent.generation],
        ['issue-analysis', first.release.issue_analysis],
      ],
    );
    assert.equal(list.data[0]?.bytes, (await readFile(file)).length);
    await succeeds(unload('code-generation'), "code-generation' removed");
    assert.deepEqual(await server.ask(), first);
    const { history } = await server.admin.releases();
    assert.deepEqual(
      history.map(({ action }) => action),
      ['start', 'publish', 'rollback'],
    );
  });

  it('unloads only what was changed last', async () => {
    await assertError(await unload('code-generation'), 409, 'nothing_to_roll_back');
    for (const name of ['code-generation', 'issue-analysis'] as const) {
      const { file } = await saveRandomAgent(server.agentsDir, name, 2);
      await succeeds(load({ lora_name: name, lora_path: basename(file) }), `${name}' added`);
    }
    await assertError(await unload('code-generation'), 409, 'nothing_to_roll_back');
    await succeeds(unload('issue-analysis'), "issue-analysis' removed");
    await succeeds(unload('code-generation'), "code-generation' removed");
  });

  it('refuses with the same codes as the other ways in, and serves what it did', async () => {
    const before = (await server.admin.releases()).stable;
    const { file } = await saveRandomAgent(server.agentsDir, 'code-generation', 3);
    const bytes = await readFile(file);
    bytes[bytes.length - 50]! ^= 1;
    await writeFile(join(server.agentsDir, 'flipped.safetensors'), bytes);
    const name = 'code-generation';
    for (const [body, status, code] of [
      [{ lora_name: 'issue-analysis', lora_path: file }, 422, 'agent_wrong_name'],
      [{ lora_name: 'other', lora_path: file }, 422, 'invalid_request'],
      [{ lora_name: name }, 422, 'invalid_request'],
      [{ lora_name: name, lora_path: 'none' }, 404, 'path_not_found'],
      [{ lora_name: name, lora_path: '/etc/passwd' }, 403, 'path_forbidden'],
      [{ lora_name: name, lora_path: 'flipped.safetensors' }, 422, 'agent_corrupted'],
    ] as const) {
      await assertError(await load(body), status, code);
    }
    await assertError(await unload('other'), 422, 'invalid_request');
    assert.deepEqual((await server.admin.releases()).stable, before);
  });
});
