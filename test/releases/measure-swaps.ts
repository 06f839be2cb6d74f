/** `node dist/test/releases/measure-swaps.js`: swaps under load on the tiny model, and what 1,000 of them leave in memory. Prints JSON. */
import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Answer } from '../../cli/client.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { body } from '../server/helpers.js';
import { ServerProcess } from '../server/server-process.js';
import { AdminClient, KEY } from './admin-client.js';
import { saveRandomAgent } from './tiny-agents.js';

const clients = 8;
const stormPublishes = 200;
const stormMs = 30_000;
const quietSwaps = 1000;

const folder = await mkdtemp(join(tmpdir(), 'measure-swaps-'));
const server = new ServerProcess({
  MODEL_DIR: TINY_DIRECTORY,
  AGENTS_DIR: TINY_DIRECTORY,
  STORE_DIR: join(folder, 'store'),
  ABSTAIN_BELOW: '0',
  THREADS: '1',
  ADMIN_API_KEY: KEY,
});
const admin = new AdminClient(() => server.url);

async function ask(): Promise<Pick<Answer, 'release' | 'patches'>> {
  const response = await server.post({ ...body, max_new_tokens: 24 });
  const { release, patches } = (await response.json()) as Answer;
  assert.equal(response.status, 200);
  return { release, patches };
}

try {
  await server.logged('ready');
  const generations: string[] = [];
  for (const seed of [1, 2]) {
    const { file } = await saveRandomAgent(folder, 'code-generation', seed);
    generations.push((await admin.store(file)).generation);
  }
  let { stable } = await admin.releases();
  const durations: number[] = [];
  const publish = async (index: number): Promise<void> => {
    const started = performance.now();
    const change = { code_generation: generations[index % 2], expected_release: stable.id };
    ({ stable } = await admin.change('/v1/releases', change));
    durations.push(performance.now() - started);
  };
  const expected = new Map<string, unknown>();
  for (const index of [0, 1]) {
    await publish(index);
    const answer = await ask();
    expected.set(answer.release.id, answer.patches);
  }

  const started = performance.now();
  let answered = 0;
  let isOver = false;
  const load = Array.from({ length: clients }, async () => {
    while (!isOver) {
      const { release, patches } = await ask();
      assert.deepEqual(patches, expected.get(release.id));
      answered += 1;
    }
  });
  let publishes = 0;
  while (publishes < stormPublishes || performance.now() - started < stormMs) await publish(publishes++);
  isOver = true;
  await Promise.all(load);
  const seconds = (performance.now() - started) / 1000;

  const memory = (): Promise<number> => server.metric('process_resident_memory_bytes');
  const before = await memory();
  durations.length = 0;
  for (let index = 0; index < quietSwaps; index++) await publish(publishes + index);
  const after = await memory();
  durations.sort((a, b) => a - b);
  const report = {
    storm: { clients, publishes, seconds, answered, failed: 0, wrong: 0 },
    quiet: { swaps: quietSwaps, rssBefore: before, rssAfter: after, publishMsMedian: durations[quietSwaps / 2] },
  };
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
} finally {
  await server.stop('SIGKILL');
  await rm(folder, { recursive: true });
}
