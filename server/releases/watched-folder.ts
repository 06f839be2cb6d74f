import { watch, type FSWatcher } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { AppError } from '../errors.js';
import { copyFromRoot } from './intake.js';
import type { Publisher } from './publisher.js';

/** Statuses of faults that another attempt will not mend: a link out of the folder, too many bytes, contents. */
const FAULTS_OF_FILES = [403, 413, 422];

/** What a watched folder needs. */
export interface WatchedFolderOptions {
  readonly folder: string;
  readonly maxAgentBytes: number;
  readonly publisher: Pick<Publisher, 'serveFile' | 'tell'>;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/**
 * Publishes every agent's file that appears in a folder, one after the other in order of names. A file must appear whole: written
 * under another name or in another folder, then renamed. It is renamed once it was looked at – `.published` or `.refused` behind its
 * name – so that a start does not publish again what was rolled back since.
 */
export class WatchedFolder {
  readonly #options: WatchedFolderOptions;
  readonly #watcher: FSWatcher;
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(options: WatchedFolderOptions) {
    this.#options = options;
    this.#watcher = watch(options.folder, () => {
      this.#look();
    });
    this.#watcher.on('error', (err) => {
      options.logger.error({ err }, 'the folder of agents cannot be watched any more');
    });
    this.#look();
  }

  /** Makes the folder if it is missing, takes what lies in it, and watches it. Rejects when it cannot be watched. */
  static async open(options: WatchedFolderOptions): Promise<WatchedFolder> {
    await mkdir(options.folder, { recursive: true });
    return new WatchedFolder(options);
  }

  /** Takes no other file; resolves when the one at work is done. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#watcher.close();
    await this.#work;
  }

  /** Each look comes after the one before and reads the folder anew, so what appeared meanwhile is found. */
  #look(): void {
    this.#work = this.#work.then(() => this.#takeAll());
  }

  async #takeAll(): Promise<void> {
    const { folder, logger } = this.#options;
    try {
      const names = (await readdir(folder)).filter((name) => name.endsWith('.safetensors')).sort();
      for (const name of names) {
        if (this.#closed) return;
        const ending = await this.#take(name);
        if (ending !== undefined) await rename(join(folder, name), join(folder, `${name}.${ending}`));
      }
    } catch (err) {
      logger.error({ err }, 'the watched folder cannot be used');
    }
  }

  /** Publishes a file. Returns what to note behind its name; nothing where the next look may do better. */
  async #take(file: string): Promise<'published' | 'refused' | undefined> {
    const { folder, maxAgentBytes, publisher, logger } = this.#options;
    const stage = (target: string): Promise<void> => copyFromRoot(folder, file, target, maxAgentBytes);
    try {
      const { agent, generation } = await publisher.serveFile(stage, { waits: true });
      logger.info({ file, agent, generation }, 'agent of the watched folder published');
      return 'published';
    } catch (thrown) {
      const error = thrown instanceof AppError ? thrown : new AppError('internal_error', 'The file failed.');
      const { code, message, status } = error;
      logger.warn({ file, code, err: thrown }, 'agent of the watched folder refused');
      publisher.tell({ type: 'refused', refusal: { file, code, message } });
      return FAULTS_OF_FILES.includes(status) ? 'refused' : undefined;
    }
  }
}
