import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { environmentWith, packageRoot } from '../../server/config.js';

interface LogLine {
  /** pino's: 40 is a warning. */
  readonly level?: number;
  readonly msg?: string;
  readonly url?: string;
  readonly adminUrl?: string;
  readonly err?: { readonly message?: string };
}

/** A server in a process of its own, as `npm start` runs it. */
export class ServerProcess {
  readonly child: ChildProcess;
  readonly log: LogLine[] = [];
  url = '';
  /** The same unless the admin API has its own port. */
  adminUrl = '';
  stderr = '';
  /** Exit code, or the signal that ended it. */
  readonly exited: Promise<number | string | null>;
  #onLine: () => void = () => undefined;

  constructor(environment: Readonly<Record<string, string>>) {
    this.child = spawn(process.execPath, [join(packageRoot, 'dist', 'server', 'main.js')], {
      env: environmentWith({ PORT: '0', LOG_LEVEL: 'info', ...environment }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    if (this.child.stdout) {
      createInterface({ input: this.child.stdout }).on('line', (line) => {
        const entry = JSON.parse(line) as LogLine;
        this.log.push(entry);
        if (entry.url !== undefined) this.url = entry.url;
        if (entry.adminUrl !== undefined) this.adminUrl = entry.adminUrl;
        this.#onLine();
      });
    }
    this.exited = once(this.child, 'exit').then(([code, signal]) => (code as number | null) ?? (signal as string));
  }

  /** Waits for a log line, or for the last of `times` such lines. Rejects when the process ends first. */
  async logged(message: string, times = 1): Promise<LogLine> {
    const find = (): LogLine | undefined => this.log.filter(({ msg }) => msg === message)[times - 1];
    for (;;) {
      const found = find();
      if (found) return found;
      const ended = await Promise.race([
        new Promise<false>((resolve) => {
          this.#onLine = (): void => {
            resolve(false);
          };
        }),
        this.exited.then(() => true),
      ]);
      if (ended && !find()) {
        throw new Error(`The server ended: ${this.stderr} ${JSON.stringify(this.log.at(-1))}`);
      }
    }
  }

  post(body: unknown, init?: RequestInit): Promise<Response> {
    return fetch(`${this.url}/v1/patches`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...init,
    });
  }

  /** The value of one series of /metrics. */
  async metric(series: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
    if (line === undefined) throw new Error(`no metric ${series}`);
    return Number(line.slice(series.length + 1));
  }

  /** Asks /metrics again and again until a series has a value. */
  async untilMetric(series: string, value: number): Promise<void> {
    while ((await this.metric(series)) !== value);
  }

  /** Ends the process; resolves with its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string | null> {
    if (this.child.exitCode === null) this.child.kill(signal);
    return this.exited;
  }
}
