import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { ServerProcess } from '../server/server-process.js';

/** The key of both APIs. */
export const KEY = 'key-of-the-contract';

/** A real server on the tiny model with everything on: keys, feedback, a store; in a folder that goes with it. */
export class ContractServer {
  readonly folder: string;
  readonly process: ServerProcess;

  private constructor(folder: string, more: Readonly<Record<string, string>>) {
    this.folder = folder;
    this.process = new ServerProcess({
      MODEL_DIR: TINY_DIRECTORY,
      AGENTS_DIR: join(folder, 'agents'),
      STORE_DIR: join(folder, 'store'),
      FEEDBACK_DIR: join(folder, 'feedback'),
      API_KEY: KEY,
      ADMIN_API_KEY: KEY,
      ABSTAIN_BELOW: '0',
      THREADS: '1',
      // As many as the examples of openapi.yaml ask for, and no more: an answer takes milliseconds.
      MAX_NEW_TOKENS: '64',
      MAX_PATCHES: '2',
      MAX_AGENT_BYTES: '4000000',
      QUEUE_SIZE: '64',
      ...more,
    });
  }

  /** A server that is ready. `more` are configuration variables. */
  static async open(more: Readonly<Record<string, string>> = {}): Promise<ContractServer> {
    const folder = await mkdtemp(join(tmpdir(), 'contract-'));
    await mkdir(join(folder, 'agents'));
    for (const name of ['issue-analysis.safetensors', 'code-generation.safetensors']) {
      await copyFile(join(TINY_DIRECTORY, name), join(folder, 'agents', name));
    }
    const server = new ContractServer(folder, more);
    await server.process.logged('ready');
    return server;
  }

  async close(): Promise<void> {
    await this.process.stop('SIGKILL');
    await rm(this.folder, { recursive: true });
  }
}
