import { strict as assert } from 'node:assert';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { packageRoot } from '../../server/config.js';

export const prometheusFolder = join(packageRoot, 'deploy', 'prometheus');

/** One series of an answer of Prometheus; values are [seconds since 1970, number as text]. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values?: readonly (readonly [number, string])[];
}

/** A real Prometheus with the shipped configuration that scrapes one server every second, in a folder that goes with it. */
export class PrometheusProcess {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #url: string;

  private constructor(folder: string, child: ChildProcess, url: string) {
    this.#folder = folder;
    this.#child = child;
    this.#url = url;
  }

  /** Starts it; it answers a moment later. `target` is the URL of the server. */
  static async start(target: string): Promise<PrometheusProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'agentic-seq2seq-'));
    // As it is shipped, but for the place of the server and the pace.
    const config = parse(await readFile(join(prometheusFolder, 'prometheus.yaml'), 'utf8')) as {
      global: object;
      rule_files: string[];
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    config.global = { scrape_interval: '1s', evaluation_interval: '1s' };
    config.rule_files = config.rule_files.map((name) => join(prometheusFolder, name));
    config.scrape_configs[0]!.static_configs[0]!.targets = [new URL(target).host];
    await writeFile(join(folder, 'prometheus.yaml'), stringify(config));
    const port = await freePort();
    const child = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yaml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    );
    return new PrometheusProcess(folder, child, `http://127.0.0.1:${port}`);
  }

  /** The series of a query now; none while Prometheus is not up. Throws when the query is wrong. */
  query(expr: string): Promise<readonly Series[]> {
    return this.#ask('query', expr, {});
  }

  /** The series of a query over a stretch of time, all in seconds. */
  queryRange(expr: string, start: number, end: number, step: number): Promise<readonly Series[]> {
    return this.#ask('query_range', expr, { start: String(start), end: String(end), step: String(step) });
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.kill()) await exited;
    await rm(this.#folder, { recursive: true });
  }

  async #ask(path: string, expr: string, more: Readonly<Record<string, string>>): Promise<readonly Series[]> {
    const url = `${this.#url}/api/v1/${path}?${new URLSearchParams({ query: expr, ...more }).toString()}`;
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.status !== 200 && answer?.status !== 400) return [];
    const { status, error, data } = (await answer.json()) as {
      status: string;
      error?: string;
      data?: { result: Series[] };
    };
    assert.equal(status, 'success', `${expr}: ${error ?? ''}`);
    return data?.result ?? [];
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
