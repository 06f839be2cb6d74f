// Proves: an agent renamed into the watched folder is served, a refused one is reported and stops nothing, and none is taken twice.
import { strict as assert } from 'node:assert';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReleaseState } from '../../server/releases/state.js';
import { EventReader } from './event-reader.js';
import { SwapServer } from './swap-server.js';
import { saveRandomAgent } from './tiny-agents.js';

describe('watched folder', () => {
  let server: SwapServer;
  let folder: string;
  let events: EventReader;
  before(async () => {
    server = await SwapServer.open();
    await server.kill();
    folder = join(server.folder, 'incoming');
    await mkdir(folder);
  });
  after(() => server.close());
  const start = async (): Promise<void> => {
    await server.start({ AGENTS_WATCH_DIR: folder });
    events = await EventReader.open(server.admin);
  };
  /** Lets a file appear whole. */
  const drop = async (name: string, bytes: Uint8Array): Promise<void> => {
    await writeFile(join(folder, `${name}.part`), bytes);
    await rename(join(folder, `${name}.part`), join(folder, name));
  };
  const agentFile = async (seed: number): Promise<{ bytes: Buffer; generation: string }> => {
    const { file, agent } = await saveRandomAgent(server.folder, 'code-generation', seed);
    return { bytes: await readFile(file), generation: agent.generation };
  };
  /** Waits for the change that serves a generation; those before it are passed over. */
  const published = async (generation: string): Promise<void> => {
    for (;;) {
      const { data } = await events.next('release');
      if ((data['state'] as ReleaseState).stable.code_generation === generation) return;
    }
  };

  it('publishes what lies in it at the start and what appears later', async () => {
    const [first, second] = [await agentFile(1), await agentFile(2)];
    await drop('first.safetensors', first.bytes);
    await start();
    await server.process.logged('agent of the watched folder published');
    assert.equal((await server.ask()).release.code_generation, first.generation);
    await drop('second.safetensors', second.bytes);
    await published(second.generation);
    assert.equal((await server.ask()).release.code_generation, second.generation);
  });

  it('reports what it refuses, serves what it did, and goes on with the next', async () => {
    const [broken, next] = [await agentFile(3), await agentFile(4)];
    const before = await server.ask();
    await drop('broken.safetensors', broken.bytes.subarray(0, -100));
    const { data } = await events.next('refused');
    assert.deepEqual([data['file'], data['code']], ['broken.safetensors', 'agent_truncated']);
    await server.process.logged('agent of the watched folder refused');
    assert.deepEqual(await server.ask(), before);
    await drop('next.safetensors', next.bytes);
    await published(next.generation);
    assert.equal((await server.ask()).release.code_generation, next.generation);
  });

  it('waits for a change that is at work', async () => {
    const [upload, dropped] = [await agentFile(5), await agentFile(6)];
    const uploading = server.admin.upload(upload.bytes);
    await drop('meanwhile.safetensors', dropped.bytes);
    await published(dropped.generation);
    await uploading;
    assert.equal((await server.ask()).release.code_generation, dropped.generation);
  });

  it('a restart does not publish again what was rolled back; other names are left alone', async () => {
    const { stable } = await server.admin.releases();
    const rolledBack = await server.admin.change('/v1/releases/rollback', { expected_release: stable.id });
    events.close();
    assert.equal(await server.process.stop(), 0);
    await writeFile(join(folder, 'notes.txt'), 'not an agent');
    await start();
    // The last of the names: once it is published, those before it would have been.
    const last = await agentFile(7);
    await drop('z.safetensors', last.bytes);
    await published(last.generation);
    const { previous, history } = await server.admin.releases();
    assert.equal(previous.at(-1)?.id, rolledBack.stable.id);
    assert.equal(history.filter(({ action }) => action === 'publish').length, 5);
    events.close();
    await server.process.stop();
    assert.deepEqual((await readdir(folder)).sort(), [
      'broken.safetensors.refused',
      'first.safetensors.published',
      'meanwhile.safetensors.published',
      'next.safetensors.published',
      'notes.txt',
      'second.safetensors.published',
      'z.safetensors.published',
    ]);
  });

  it('is off unless it is configured', async () => {
    await drop('later.safetensors', (await agentFile(8)).bytes);
    await server.start();
    await server.stored('code-generation', 9);
    assert.equal(await server.process.stop(), 0);
    assert.ok((await readdir(folder)).includes('later.safetensors'));
  });
});
