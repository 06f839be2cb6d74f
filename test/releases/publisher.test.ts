// Proves: a change that fails at any step leaves what is served, and an automatic rollback is recorded with its reason.
import { strict as assert } from 'node:assert';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../server/errors.js';
import { releaseOf } from '../../server/inference/release.js';
import { AgentStore } from '../../server/releases/agent-store.js';
import { Journal } from '../../server/releases/journal.js';
import { Publisher, type PublisherEvent } from '../../server/releases/publisher.js';
import { ReleaseRegistry } from '../../server/releases/registry.js';

const host = { addAgents: () => undefined, dropAgents: () => undefined, serve: () => undefined };
const first = releaseOf('a1', 'c1');
const model = { name: 'fake', fingerprint: 'f' };

describe('publisher', () => {
  let folder: string;
  let journal: Journal;
  let store: AgentStore;
  let registry: ReleaseRegistry;
  let publisher: Publisher;
  let events: PublisherEvent[];
  const checks: string[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'publisher-'));
    await open();
  });
  afterEach(async () => {
    await journal.close();
    await rm(folder, { recursive: true });
  });

  /** Files hold their generation as text; the agent is known by its first letter. */
  const open = async (): Promise<void> => {
    journal = await Journal.open(join(folder, 'journal'));
    store = await AgentStore.open(folder, 5);
    registry = new ReleaseRegistry(host);
    events = [];
    const checker = {
      check: async (file: string) => {
        const generation = await readFile(file, 'utf8');
        checks.push(generation);
        if (generation === 'bad') throw new AppError('agent_no_effect', 'Bad.');
        const agent = generation.startsWith('a') ? ('issue-analysis' as const) : ('code-generation' as const);
        const card = { agent, generation, parameters: 1, figures: {}, lineage: {} };
        return { card, payload: { generation, tensors: {} } };
      },
    };
    const limits = { maxAgentBytes: 100, maxResident: 4 };
    publisher = new Publisher({ store, journal, checker, registry, limits });
    publisher.listen((event) => events.push(event));
  };
  const begin = async (): Promise<void> => {
    const files = { 'issue-analysis': store.stagingFile(), 'code-generation': store.stagingFile() };
    await writeFile(files['issue-analysis'], 'a1');
    await writeFile(files['code-generation'], 'c1');
    await publisher.begin({ model, release: first }, files);
  };
  const add = (generation: string): ReturnType<Publisher['addAgent']> =>
    publisher.addAgent((file) => writeFile(file, generation));
  const publish = (codeGeneration: string, label: 'stable' | 'canary' = 'stable'): ReturnType<Publisher['publish']> => {
    const { stable, canary } = registry.state!;
    const expected = label === 'stable' ? stable.id : (canary?.release.id ?? null);
    return publisher.publish({ label, weight: 0.5, expected, code_generation: codeGeneration });
  };

  it('rolls a canary back with the reason, and both are in the journal', async () => {
    await begin();
    await add('c2');
    const { canary } = await publish('c2', 'canary');
    await publisher.rollback('canary', canary!.release.id, 'quality: worse');
    assert.equal(registry.state?.canary, null);
    await journal.close();
    journal = await Journal.open(join(folder, 'journal'));
    const entries = journal.entries.map(({ action, label, reason }) => [action, label, reason]);
    assert.deepEqual(entries.at(-1), ['automatic_rollback', 'canary', 'quality: worse']);
    assert.equal(events.length, 3);
  });

  it('changes nothing when the journal cannot be written', async () => {
    await begin();
    await add('c2');
    const before = registry.state;
    await journal.close();
    await assert.rejects(publish('c2'), { code: 'store_unavailable' });
    assert.equal(registry.state, before);
    assert.deepEqual([...registry.resident].sort(), ['a1', 'c1']);
    journal = await Journal.open(join(folder, 'journal'));
    assert.equal(journal.entries.at(-1)?.action, 'start');
  });

  it('stores no file that is refused', async () => {
    await begin();
    await assert.rejects(add('bad'), { code: 'agent_no_effect' });
    assert.equal((await store.list()).length, 2);
    assert.deepEqual(await readdir(join(folder, 'staging')), []);
  });

  it('checks an agent once from upload to publish, and again when it is loaded from the store later', async () => {
    await begin();
    checks.length = 0;
    for (const generation of ['c2', 'c3', 'c4']) {
      await add(generation);
      await publish(generation);
    }
    assert.deepEqual(checks, ['c2', 'c3', 'c4']);
    await publish('c2');
    assert.deepEqual(checks, ['c2', 'c3', 'c4', 'c2']);
  });

  it('goes on after a restart with labels, weight and history; a canary that is gone is taken away with the reason', async () => {
    await begin();
    await add('c2');
    await add('c3');
    await publish('c2');
    const published = await publish('c3', 'canary');
    await journal.close();
    await open();
    await publisher.begin({ model, release: published.stable }, undefined);
    assert.deepEqual(registry.state, published);
    assert.ok(registry.resident.has('c3'));
    await journal.close();
    await rm(store.fileOf('c3'));
    await open();
    await publisher.begin({ model, release: published.stable }, undefined);
    assert.equal(registry.state.canary, null);
    assert.equal(publisher.history.at(-1)?.reason, 'restart: generation_not_found');
    // What is only stored is loaded again for a rollback.
    assert.ok(!registry.resident.has('c1'));
    assert.deepEqual((await publisher.rollback('stable', published.stable.id)).stable, first);
    assert.ok(registry.resident.has('c1'));
  });

  it('refuses to begin when the workers serve something else than the journal says', async () => {
    await begin();
    const other = { model, release: releaseOf('a1', 'c9') };
    await assert.rejects(publisher.begin(other, undefined), { name: 'StoreError' });
  });

  it('keeps MAX_AGENTS: the one whose use is longest ago makes room, none in use does', async () => {
    await begin();
    await add('c2');
    await publish('c2');
    for (const generation of ['c3', 'c4', 'c5']) await add(generation);
    const kept = (await store.list()).map(({ generation }) => generation).sort();
    assert.deepEqual(kept, ['a1', 'c1', 'c2', 'c4', 'c5']);
    for (const generation of ['c4', 'c5']) await publish(generation);
    await assert.rejects(add('c6'), { code: 'agent_limit' });
  });

  it('keeps MAX_RESIDENT_AGENTS while requests need retired ones', async () => {
    await begin();
    const lease = registry.pin('x');
    for (const generation of ['c2', 'c3']) {
      await add(generation);
      await publish(generation);
    }
    await add('c4');
    await assert.rejects(publish('c4'), { code: 'resident_limit' });
    lease.end();
    assert.equal((await publish('c4')).stable.code_generation, 'c4');
  });
});
