import { strict as assert } from 'node:assert';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentName } from '../../agents/names.js';
import type { Answer } from '../../cli/client.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { body } from '../server/helpers.js';
import { ServerProcess } from '../server/server-process.js';
import { AdminClient, KEY } from './admin-client.js';
import { saveRandomAgent } from './tiny-agents.js';

/** Output without what differs from call to call. */
export type Output = Pick<Answer, 'release' | 'patches' | 'analysis'>;

/** A real server on the tiny model with a store and agents of its own, in a folder that goes with it. */
export class SwapServer {
  readonly folder: string;
  readonly agentsDir: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly admin = new AdminClient(() => this.process.adminUrl);
  process!: ServerProcess;

  private constructor(folder: string) {
    this.folder = folder;
    this.agentsDir = join(folder, 'agents');
    this.environment = {
      MODEL_DIR: TINY_DIRECTORY,
      AGENTS_DIR: this.agentsDir,
      STORE_DIR: join(folder, 'store'),
      ABSTAIN_BELOW: '0',
      THREADS: '1',
      QUEUE_SIZE: '64',
      ADMIN_API_KEY: KEY,
      MAX_AGENT_BYTES: '4000000',
    };
  }

  /** A started server. */
  static async open(more: Record<string, string> = {}): Promise<SwapServer> {
    const server = new SwapServer(await mkdtemp(join(tmpdir(), 'swap-')));
    await mkdir(server.agentsDir);
    for (const name of ['issue-analysis', 'code-generation']) {
      await copyFile(join(TINY_DIRECTORY, `${name}.safetensors`), join(server.agentsDir, `${name}.safetensors`));
    }
    await server.start(more);
    return server;
  }

  /** Starts it, again if it was killed. */
  async start(more: Record<string, string> = {}): Promise<void> {
    this.process = new ServerProcess({ ...this.environment, ...more });
    await this.process.logged('ready');
  }

  kill(): Promise<number | string | null> {
    return this.process.stop('SIGKILL');
  }

  async close(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true });
  }

  /** A request that must be answered. */
  async ask(key?: string): Promise<Output> {
    const response = await this.process.post(
      { ...body, max_new_tokens: 24 },
      { headers: { 'content-type': 'application/json', ...(key !== undefined && { 'x-request-key': key }) } },
    );
    const { release, patches, analysis, ...rest } = (await response.json()) as Answer;
    assert.equal(response.status, 200, JSON.stringify(rest));
    return { release, patches, analysis };
  }

  /** Saves and uploads a random agent; its generation. */
  async stored(name: AgentName, seed: number): Promise<string> {
    return (await this.admin.store((await saveRandomAgent(this.folder, name, seed)).file)).generation;
  }
}
