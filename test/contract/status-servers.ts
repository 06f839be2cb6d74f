import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { loadConfig } from '../../server/config.js';
import { startServer, type RunningServer } from '../../server/start.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { serve, type TestServer } from '../server/helpers.js';
import { startTinyServer } from '../server/tiny-server.js';

export const KEY = 'key-of-the-statuses';

/** A worker that never gets ready. */
const LOADING = new URL(
  `data:text/javascript,${encodeURIComponent(
    "import { parentPort } from 'node:worker_threads'; parentPort.on('message', (m) => m.type === 'close' && parentPort.close());",
  )}`,
);

/** The servers that the statuses come from, in one folder; `close` ends and removes all of them. */
export class StatusServers {
  readonly folder: string;
  readonly #closers: (() => Promise<void>)[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<StatusServers> {
    return new StatusServers(await mkdtemp(join(tmpdir(), 'statuses-')));
  }

  /** One whose model does what the test says; feedback is kept in a folder of its own. */
  async fake(environment: NodeJS.ProcessEnv = {}): Promise<TestServer> {
    const server = await serve({ FEEDBACK_DIR: await this.#subfolder(), ...environment });
    return this.#closing(server);
  }

  /** A whole one on the tiny model with a store of its own. */
  async tiny(environment: NodeJS.ProcessEnv = {}): Promise<RunningServer & { readonly storeDir: string }> {
    const storeDir = await this.#subfolder();
    const settings = { ADMIN_API_KEY: KEY, STORE_DIR: storeDir, MAX_BODY_BYTES: '4096', MAX_AGENT_BYTES: '4000000' };
    const server = await startTinyServer({ ...settings, ...environment });
    return this.#closing({ ...server, storeDir });
  }

  /** One whose model is still loading, and does not come to an end. */
  async loading(): Promise<RunningServer> {
    const config = loadConfig({
      PORT: '0',
      MODEL_DIR: TINY_DIRECTORY,
      AGENTS_DIR: TINY_DIRECTORY,
      ADMIN_API_KEY: KEY,
      STORE_DIR: await this.#subfolder(),
    });
    const server = await startServer({ config, logger: pino({ level: 'silent' }), workerFile: LOADING });
    server.ready.catch(() => undefined);
    return this.#closing(server);
  }

  /** A file with these contents. */
  async file(name: string, content: string): Promise<string> {
    const file = join(await this.#subfolder(), name);
    await writeFile(file, content);
    return file;
  }

  async close(): Promise<void> {
    await Promise.all(this.#closers.map((close) => close()));
    await rm(this.folder, { recursive: true });
  }

  #closing<T extends { close(): Promise<void> }>(server: T): T {
    this.#closers.push(() => server.close());
    return server;
  }

  async #subfolder(): Promise<string> {
    const folder = await mkdtemp(join(this.folder, 'part-'));
    await mkdir(folder, { recursive: true });
    return folder;
  }
}
