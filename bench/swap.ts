import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { saveAgent } from '../adapters/agent.js';
import type { AgentName } from '../agents/names.js';
import { AGENT_TENSOR_NAMES, agentShapes, type AgentTensorName } from '../model/agent-tensors.js';
import { loadBackbone } from '../model/backbone.js';
import { readConfig } from '../model/config.js';
import { createRandom } from '../model/random.js';
import { loadConfig } from '../server/config.js';
import { AgentChecker } from '../server/inference/agent-checker.js';
import { agentFilesIn } from '../server/inference/release.js';
import { WorkerHost } from '../server/inference/worker-host.js';
import { AgentStore } from '../server/releases/agent-store.js';
import { Journal } from '../server/releases/journal.js';
import { Publisher } from '../server/releases/publisher.js';
import { ReleaseRegistry } from '../server/releases/registry.js';
import { published } from '../server/releases/state.js';
import { medianOf, medianRatio, rounds, timed, type Timing } from './timing.js';

/**
 * `npm run bench:swap -- [ROUNDS]`: how long it takes until the next request gets another agent, beside opening a session of the same
 * model (MODEL_DIR, THREADS), in interleaved rounds. The agents are random. Prints JSON, times in milliseconds.
 */
const { modelDir, threads } = loadConfig();
const count = Number(process.argv[2] ?? 7);
const SWAPS = 1000;

const config = await readConfig(modelDir);
const folder = await mkdtemp(join(tmpdir(), 'bench-swap-'));
let lastSeed = 0;

/** Saves an agent with random numbers; no two are the same. */
async function randomAgent(name: AgentName, file: string): Promise<string> {
  const random = createRandom(++lastSeed);
  const shapes = agentShapes(config);
  const numbers = AGENT_TENSOR_NAMES.map((tensor): [string, Float32Array] => {
    const length = shapes[tensor].reduce((product, size) => product * size, 1);
    return [tensor, Float32Array.from({ length }, () => (random() - 0.5) * 0.1)];
  });
  const tensors = Object.fromEntries(numbers) as Record<AgentTensorName, Float32Array>;
  return (await saveAgent(file, tensors, { name, backbone: config.fingerprint }, config)).generation;
}

const files = agentFilesIn(folder);
await randomAgent('issue-analysis', files['issue-analysis']);
await randomAgent('code-generation', files['code-generation']);
const host = new WorkerHost({ modelDir, agents: files, workers: 1, threads, options: {} });
const checker = new AgentChecker(modelDir);
const journal = await Journal.open(join(folder, 'journal'));
try {
  await host.started();
  const store = await AgentStore.open(folder, 10_000);
  const registry = new ReleaseRegistry(host);
  const limits = { maxAgentBytes: 2 ** 30, maxResident: 12 };
  const publisher = new Publisher({ store, journal, checker, registry, limits });
  // What the workers began with stays in memory or is not needed again, so it need not be stored.
  await publisher.begin(host.info!, undefined);

  const newFile = join(folder, 'new.safetensors');
  /** Publishes a stored generation; the time until a request would get it. */
  const publish = (generation: string): Promise<Timing> =>
    timed(async () => {
      const expected = registry.state!.stable.id;
      await publisher.publish({ label: 'stable', weight: 1, expected, code_generation: generation });
      const lease = registry.pin('bench');
      lease.end();
      if (lease.release.code_generation !== generation) throw new Error('The next request gets another agent.');
    });
  const uploads: Timing[] = [];
  /** As an operator does it: the file was uploaded and checked, now it is to be served. */
  const uploaded = async (): Promise<Timing> => {
    const generation = await randomAgent('code-generation', newFile);
    uploads.push(await timed(() => publisher.addAgent((target) => copyFile(newFile, target))));
    return publish(generation);
  };
  // The thread that checks starts with the first file; and `inMemory` needs something to go back to.
  await uploaded();
  uploads.length = 0;
  const raw = await rounds(count, {
    session: () =>
      timed(async () => {
        const backbone = await loadBackbone({ directory: modelDir, threads });
        await backbone.close();
      }),
    uploaded,
    // Back to the release before, which is always in memory.
    inMemory: () => publish(registry.state!.previous.at(-1)!.code_generation),
    // The assignment that the next request sees, nothing else.
    swap: async () => {
      const states = [registry.state!, published(registry.state!, 'stable', registry.state!.previous.at(-1)!, 1)];
      const { wall, cpu } = await timed(() => {
        for (let index = 0; index < SWAPS; index++) registry.change(states[index % 2]!);
      });
      registry.change(states[0]!);
      return { wall: wall / SWAPS, cpu: cpu / SWAPS };
    },
  });
  const rows = Object.entries(raw).map(([name, timings]) => [
    name,
    { ms: medianOf(timings).wall, ofSession: medianRatio(timings, raw['session']!, 'wall') },
  ]);
  const machine = `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} processors, Node ${process.version}`;
  const report = { machine, model: config.name, threads, rounds: count, uploadMs: medianOf(uploads).wall };
  process.stdout.write(`${JSON.stringify({ ...report, median: Object.fromEntries(rows) as unknown }, undefined, 2)}\n`);
} finally {
  await host.close();
  await checker.close();
  await journal.close();
  await rm(folder, { recursive: true });
}
