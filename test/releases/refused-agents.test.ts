// Proves: an agent's file that cannot serve is refused with the code of its fault, and what is served goes on unchanged.
import { strict as assert } from 'node:assert';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bareAgent, saveAgent } from '../../adapters/agent.js';
import { checkAgent, recordProbe } from '../../adapters/check-agent.js';
import { readTensors, writeTensors, type NamedTensor } from '../../adapters/safetensors.js';
import { loadBackbone, type Backbone } from '../../model/backbone.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { assertError } from '../server/helpers.js';
import { SwapServer, type Output } from './swap-server.js';
import { saveRandomAgent } from './tiny-agents.js';

describe('agents that cannot serve', () => {
  let backbone: Backbone;
  let server: SwapServer;
  before(async () => {
    backbone = await loadBackbone({ directory: TINY_DIRECTORY });
    server = await SwapServer.open();
  });
  after(async () => {
    await server.close();
    await backbone.close();
  });

  let served: Output | undefined;
  let good: Buffer;
  beforeEach(async () => {
    served ??= await server.ask();
    good = await readFile((await saveRandomAgent(server.folder, 'code-generation', 20)).file);
  });
  afterEach(async () => {
    assert.deepEqual(await server.ask(), served);
  });

  const changed = async (
    change: (tensors: Map<string, NamedTensor>, metadata: Record<string, string>) => void,
  ): Promise<Buffer> => {
    const file = join(server.folder, 'changed.safetensors');
    await writeFile(file, good);
    const contents = await readTensors(file);
    const tensors = new Map(contents.tensors);
    const metadata: Record<string, string> = { ...contents.metadata };
    delete metadata['generation'];
    change(tensors, metadata);
    await writeTensors(file, { tensors, metadata });
    return readFile(file);
  };
  const withNumber = (value: number) => (tensors: Map<string, NamedTensor>) => {
    const { shape, data } = tensors.get('head_up')!;
    tensors.set('head_up', { shape, data: data.map((old, at) => (at === 7 ? value : old)) });
  };
  const flipped = (): Buffer => {
    const bytes = Buffer.from(good);
    bytes[bytes.length - 100]! ^= 4;
    return bytes;
  };
  const faults: [string, () => Buffer | Promise<Buffer>][] = [
    ['agent_truncated', () => good.subarray(0, -10)],
    ['agent_corrupted', flipped],
    ['agent_bad_magic', () => Buffer.from('PK\u0003\u0004 this is a zip archive')],
    ['agent_malformed', () => Buffer.concat([good, Buffer.alloc(4)])],
    ['agent_wrong_format', () => changed((_, metadata) => (metadata['format'] = '9'))],
    ['agent_wrong_name', () => changed((_, metadata) => (metadata['agent'] = 'summary'))],
    ['agent_wrong_backbone', () => changed((_, metadata) => (metadata['backbone'] = '0'.repeat(64)))],
    ['agent_missing_tensor', () => changed((tensors) => tensors.delete('gate_w'))],
    ['agent_unknown_tensor', () => changed((tensors) => tensors.set('x', tensors.get('gate_b')!))],
    ['agent_wrong_shape', () => changed((tensors) => tensors.set('gate_w', tensors.get('gate_b')!))],
    ['agent_not_finite', () => changed(withNumber(NaN))],
    ['agent_not_finite', () => changed(withNumber(-Infinity))],
    ['agent_norm_too_large', () => changed(withNumber(1e6))],
    [
      'agent_no_effect',
      async () => {
        const file = join(server.folder, 'bare.safetensors');
        const { config } = backbone;
        const { tensors } = bareAgent(config);
        await saveAgent(file, tensors, { name: 'code-generation', backbone: config.fingerprint }, config);
        return readFile(file);
      },
    ],
    [
      'agent_probe_mismatch',
      async () => {
        const { agent } = await saveRandomAgent(server.folder, 'code-generation', 21);
        const probe = await recordProbe(backbone, agent, [40, 41, 42], [50, 51, 52]);
        return readFile((await saveRandomAgent(server.folder, 'code-generation', 22, { probe })).file);
      },
    ],
  ];
  for (const [code, make] of faults) {
    it(`is refused with ${code}`, async () => {
      await assertError(await server.admin.upload(await make()), 422, code);
    });
  }

  it('is refused with agent_too_large', async () => {
    await assertError(await server.admin.upload(Buffer.alloc(4_100_000)), 413, 'agent_too_large');
  });

  it('an agent that answers as recorded passes', async () => {
    const { agent } = await saveRandomAgent(server.folder, 'code-generation', 22);
    const probe = await recordProbe(backbone, agent, [40, 41, 42], [50, 51, 52]);
    await checkAgent(backbone, { ...agent, probe });
    await server.admin.store((await saveRandomAgent(server.folder, 'code-generation', 22, { probe })).file);
  });

  it('300 mutated files: none is stored, none stops anything', async function () {
    this.timeout(240_000);
    const { agents } = (await (await server.admin.fetch('/v1/agents')).json()) as { agents: unknown[] };
    for (let index = 0; index < 300; index++) {
      const bytes = mutated(good, index);
      const response = await server.admin.upload(bytes);
      const answer = (await response.json()) as { error?: { code: string } };
      assert.equal(response.status, 422, `mutation ${index}: ${JSON.stringify(answer)}`);
    }
    const after = (await (await server.admin.fetch('/v1/agents')).json()) as { agents: unknown[] };
    assert.deepEqual(after.agents, agents);
  });

  it('takes a file by path only from below AGENTS_DIR', async () => {
    const { file, agent } = await saveRandomAgent(server.agentsDir, 'code-generation', 30);
    const card = (await (
      await server.admin.send('/v1/agents', { path: file.slice(server.agentsDir.length + 1) })
    ).json()) as {
      generation: string;
    };
    assert.equal(card.generation, agent.generation);
    await writeFile(join(server.folder, 'outside'), 'x');
    await symlink(join(server.folder, 'outside'), join(server.agentsDir, 'link'));
    for (const path of ['../outside', '/etc/passwd', 'link', '.', 'a\0b']) {
      await assertError(await server.admin.send('/v1/agents', { path }), 403, 'path_forbidden');
    }
    await assertError(await server.admin.send('/v1/agents', { path: 'none' }), 404, 'path_not_found');
  });
});

/** One of many small changes of a sealed file, each of which must be noticed. */
function mutated(good: Buffer, index: number): Buffer {
  const bytes = Buffer.from(good);
  const header = Number(bytes.readBigUInt64LE(0));
  // Spread over header and data by a step that is no divisor of either.
  const at = (index * 7919) % (bytes.length - 8);
  switch (index % 5) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      bytes.writeBigUInt64LE(BigInt(index * 97 + header + 1), 0);
      return bytes;
    case 2:
      // Inside the quoted names, sizes and offsets; padding is left out, since it says nothing.
      bytes[8 + ((index * 31) % (header - 8))]! ^= 1 << (index % 3);
      return bytes;
    case 3:
      bytes.writeUInt16LE(0x7e00, 8 + header + 2 * ((index * 131) % ((bytes.length - header - 8) >> 1)));
      return bytes;
    default:
      bytes[8 + header + ((index * 7919) % (bytes.length - header - 8))]! ^= 1 << (index % 8);
      return bytes;
  }
}
