/**
 * Draws docs/images/dashboard.svg: `npm run dashboard`. A real server on the tiny model answers four clients for two minutes, with
 * a publish, a canary and its promotion between, a real Prometheus scrapes it, and the dashboard's queries are drawn. Needs `prometheus`.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { caseNames, loadCase } from '../../cli/cases.js';
import { packageRoot } from '../../server/config.js';
import { saveRandomAgent } from '../releases/tiny-agents.js';
import { ContractServer, KEY } from '../contract/contract-server.js';
import { drawDashboard, type Line } from './dashboard-picture.js';
import { dashboard, filledIn } from './panels.js';
import { PrometheusProcess, type Series } from './prometheus.js';

const CLIENTS = 4;
const SECONDS = Number(process.argv[2] ?? 120);
/** Points of a line. */
const POINTS = 32;
const RATE = '15s';
const ROWS = ['Now', 'Latency', 'Throughput', 'Quality', 'Releases'];

const server = await ContractServer.open({ QUEUE_SIZE: '2', PROBE_ROWS: 'deploy/probe-rows.jsonl' });
const { url } = server.process;
const prometheus = await PrometheusProcess.start(url);
const cases = await Promise.all((await caseNames()).map(loadCase));
const headers = { 'content-type': 'application/json', authorization: `Bearer ${KEY}` };
const start = Date.now() / 1000;
const elapsed = (): number => Date.now() / 1000 - start;

async function post(path: string, body: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  return (await response.json()) as Record<string, unknown>;
}

/** One request after the other: patches with verdicts, now and then one that is refused or has nothing to edit. */
async function client(number: number): Promise<void> {
  for (let turn = number; elapsed() < SECONDS; turn += CLIENTS) {
    const { issue, files } = cases[turn % cases.length]!;
    if (turn % 11 === 0) await post('/v1/patches', {});
    if (turn % 13 === 0) await post('/v1/patches', { issue, files: [{ path: 'empty.py', content: '' }] });
    const { id } = await post('/v1/patches', { issue, files, n: 2, seed: turn });
    if (turn % 3 > 0 && typeof id === 'string') {
      await post(`/v1/patches/${id}/feedback`, { verdict: turn % 3 === 1 ? 'accepted' : 'rejected' });
    }
  }
}

/** An agent that goes to stable, one that goes to a canary, and the promotion of this. */
async function swaps(): Promise<void> {
  const until = async (share: number): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 1000 * Math.max(0, share * SECONDS - elapsed())));
  };
  const stored = async (seed: number): Promise<string> => {
    const { file, agent } = await saveRandomAgent(server.folder, 'code-generation', seed);
    const type = { ...headers, 'content-type': 'application/octet-stream' };
    await (await fetch(`${url}/v1/agents`, { method: 'POST', headers: type, body: await readFile(file) })).text();
    return agent.generation;
  };
  const releases = async (): Promise<{ stable: { id: string }; canary: { release: { id: string } } }> =>
    (await (await fetch(`${url}/v1/releases`, { headers })).json()) as Awaited<ReturnType<typeof releases>>;
  await until(0.3);
  const { stable } = await releases();
  await post('/v1/releases', { code_generation: await stored(1), expected_release: stable.id });
  await until(0.55);
  await post('/v1/releases', {
    code_generation: await stored(2),
    label: 'canary',
    weight: 0.4,
    expected_release: null,
  });
  await until(0.8);
  await post('/v1/releases/promote', { expected_release: (await releases()).canary.release.id });
}

function named(template: string, { metric }: Series): string {
  return template.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? '').replace(/ \(\)$/, '');
}

function lineOf(name: string, { values = [] }: Series): Line {
  const points = values.map(([second, value]) => [second - start, Number(value)] as const);
  return { name, points: points.filter(([, value]) => Number.isFinite(value)) };
}

try {
  await Promise.all([...Array.from({ length: CLIENTS }, (_, number) => client(number)), swaps()]);
  const end = Date.now() / 1000;
  const range = (expr: string): Promise<readonly Series[]> =>
    prometheus.queryRange(filledIn(expr, RATE), start, end, (end - start) / POINTS);
  const lines = new Map<number, Line[]>();
  for (const { id, targets = [] } of dashboard.panels) {
    const found: Line[] = [];
    for (const { expr, legendFormat = '' } of targets) {
      for (const series of await range(expr)) found.push(lineOf(named(legendFormat, series), series));
    }
    lines.set(
      id,
      found.filter(({ points }) => points.length > 0),
    );
  }
  const changes = (await range(dashboard.annotations.list[0]!.expr)).flatMap(({ values = [] }) =>
    values.map(([, milliseconds]) => Number(milliseconds) / 1000 - start),
  );
  const svg = await drawDashboard(dashboard, ROWS, {
    lines,
    swaps: [...new Set(changes)].filter((second) => second > 0),
    seconds: end - start,
  });
  const folder = join(packageRoot, 'docs', 'images');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'dashboard.svg'), svg);
  console.log(`docs/images/dashboard.svg: ${Math.ceil(svg.length / 1000)} KB`);
} finally {
  await prometheus.stop();
  await server.close();
}
