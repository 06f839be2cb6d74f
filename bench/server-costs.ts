import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { caseNames, loadCase } from '../cli/cases.js';
import { environmentWith, packageRoot } from '../server/config.js';
import { quantile } from '../training/evaluation/statistics.js';

/** Start and memory of the server as `npm start` runs it. */
export interface ServerCosts {
  /** Megabytes of model and agents. */
  readonly megabytes: number;
  /** Milliseconds to read these files, from disk and from the cache of files. */
  readonly readColdMs: number;
  readonly readWarmMs: number;
  /** Milliseconds from the start of the process until it says that it is ready. */
  readonly readyColdMs: number;
  readonly readyWarmMs: number;
  /** Megabytes resident. */
  readonly restMb: number;
  readonly afterRequestsMb: number;
  readonly requests: number;
  /** Median of a request through HTTP, one at a time. */
  readonly requestMs: number;
}

export interface ServerFiles {
  readonly modelDir: string;
  readonly agentsDir: string;
  readonly threads: number;
}

const STARTS = 3;
const REQUESTS = 20;
/** After that long nothing of the start is going on any more. */
const REST_MS = 3000;

/** Starts servers with the given files and watches them. */
export async function serverCosts(files: ServerFiles, onStep: (what: string) => void): Promise<ServerCosts> {
  const names = await filesOf(files);
  const readMs = async (): Promise<number> => {
    const started = performance.now();
    for (const name of names) await readFile(name);
    return performance.now() - started;
  };
  const times = {
    readCold: [] as number[],
    readWarm: [] as number[],
    readyCold: [] as number[],
    readyWarm: [] as number[],
  };
  for (let start = 0; start < STARTS; start++) {
    onStep(`start ${start + 1} of ${STARTS}`);
    forgetCached(names);
    times.readCold.push(await readMs());
    times.readWarm.push(await readMs());
    forgetCached(names);
    times.readyCold.push(await readyMs(files));
    times.readyWarm.push(await readyMs(files));
  }
  const sizes = await Promise.all(names.map(async (name) => (await readFile(name)).length));
  const median = (values: readonly number[]): number => quantile(values, 0.5);
  return {
    megabytes: sizes.reduce((sum, size) => sum + size, 0) / 1e6,
    readColdMs: median(times.readCold),
    readWarmMs: median(times.readWarm),
    readyColdMs: median(times.readyCold),
    readyWarmMs: median(times.readyWarm),
    ...(await memory(files, onStep)),
  };
}

async function filesOf({ modelDir, agentsDir }: ServerFiles): Promise<string[]> {
  const model = (await readdir(modelDir)).filter((name) => /\.(onnx|bin|model|json)$/.test(name));
  const agents = ['issue-analysis.safetensors', 'code-generation.safetensors'];
  return [...model.map((name) => join(modelDir, name)), ...agents.map((name) => join(agentsDir, name))];
}

/** Asks the system to drop what it keeps of the files in memory, so that they are read from disk again. */
function forgetCached(names: readonly string[]): void {
  for (const name of names) spawnSync('dd', [`if=${name}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
}

async function readyMs(files: ServerFiles): Promise<number> {
  const started = performance.now();
  const { child } = await startServer(files);
  const ms = performance.now() - started;
  await stop(child);
  return ms;
}

async function memory(
  files: ServerFiles,
  onStep: (what: string) => void,
): Promise<Pick<ServerCosts, 'restMb' | 'afterRequestsMb' | 'requests' | 'requestMs'>> {
  const { child, url } = await startServer(files);
  try {
    await delay(REST_MS);
    const restMb = await residentMb(child);
    const names = await caseNames();
    const durations: number[] = [];
    for (let request = 0; request < REQUESTS; request++) {
      onStep(`request ${request + 1} of ${REQUESTS}`);
      const { issue, files: sources } = await loadCase(names[request % names.length]!);
      const started = performance.now();
      const response = await fetch(`${url}/v1/patches`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ issue, files: sources }),
      });
      if (!response.ok) throw new Error(`The server answered ${response.status}: ${await response.text()}`);
      await response.arrayBuffer();
      durations.push(performance.now() - started);
    }
    const afterRequestsMb = await residentMb(child);
    return { restMb, afterRequestsMb, requests: REQUESTS, requestMs: quantile(durations, 0.5) };
  } finally {
    await stop(child);
  }
}

/** A server on a free port, once it has said that it is ready. */
async function startServer(files: ServerFiles): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [join(packageRoot, 'dist', 'server', 'main.js')], {
    env: environmentWith({
      HOST: '127.0.0.1',
      PORT: '0',
      MODEL_DIR: files.modelDir,
      AGENTS_DIR: files.agentsDir,
      THREADS: String(files.threads),
      LOG_LEVEL: 'info',
    }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const entry = JSON.parse(line) as { msg?: string; url?: string; err?: { message?: string } };
    if (entry.err?.message !== undefined) throw new Error(`The server did not start: ${entry.err.message}`);
    if (entry.msg === 'ready' && entry.url !== undefined) {
      child.stdout.resume();
      return { child, url: entry.url };
    }
  }
  throw new Error('The server did not start.');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** Resident memory of a process in megabytes (Linux). */
async function residentMb({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid ?? 0}/status`, 'utf8');
  return (Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024) / 1e6;
}
