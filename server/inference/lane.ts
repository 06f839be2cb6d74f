import { Worker } from 'node:worker_threads';
import { AppError } from '../errors.js';
import type { RunOptions } from './host.js';
import type { AgentPayload, EngineInfo, FromWorker, Task, ToWorker, WorkerSettings } from './messages.js';

/** What a lane needs to start its worker, and whom it tells. */
export interface LaneOptions {
  readonly workerFile: URL;
  readonly settings: Omit<WorkerSettings, 'stopFlag'>;
  /** How long a worker may go on after it was told to stop before it is ended by force, ms. */
  readonly stopGraceMs: number;
  readonly onReady: (info: EngineInfo, agents: readonly AgentPayload[]) => void;
  /** The worker is gone and was not told to. `error` says why. */
  readonly onGone: (error: Error) => void;
}

interface Job {
  readonly id: number;
  readonly options: RunOptions;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly cleanUp: () => void;
}

/** Free text of a worker's failure, kept out of answers. */
function crashed(cause: unknown): AppError {
  return new AppError('inference_crashed', 'The worker of this request stopped; it is being restarted.', { cause });
}

/**
 * One worker thread and the request it works on.
 *
 * Modes: *starting* → *idle* ⇄ *busy*; from each → *gone* (the thread ended: by itself, by force, or closed). A lane is
 * not used again once gone; the host makes a new one.
 */
export class Lane {
  readonly #worker: Worker;
  readonly #stopFlag: Int32Array;
  readonly #options: LaneOptions;
  readonly #exited: Promise<void>;
  #mode: 'starting' | 'idle' | 'busy' | 'gone' = 'starting';
  #job: Job | undefined;
  #lastId = 0;
  #closing = false;
  #failure: Error | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
    const stopFlag = new SharedArrayBuffer(4);
    this.#stopFlag = new Int32Array(stopFlag);
    const workerData: WorkerSettings = { ...options.settings, stopFlag };
    this.#worker = new Worker(options.workerFile, { workerData });
    this.#worker.on('message', (message: FromWorker) => {
      this.#receive(message);
    });
    this.#worker.on('error', (error) => {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        resolve();
        this.#gone(this.#failure ?? new Error(`The inference worker ended with code ${code}.`));
      });
    });
  }

  get idle(): boolean {
    return this.#mode === 'idle';
  }

  /** The model is loaded. */
  get warm(): boolean {
    return this.#mode === 'idle' || this.#mode === 'busy';
  }

  /** Starts a task, resolves with the worker's value; only on an idle lane. */
  run(task: Task, options: RunOptions): Promise<unknown> {
    if (this.#mode !== 'idle') throw new Error('This is a bug: the lane is not idle.');
    if (options.signal.aborted) return Promise.reject(options.signal.reason as Error);
    this.#mode = 'busy';
    this.#lastId += 1;
    const id = this.#lastId;
    Atomics.store(this.#stopFlag, 0, 0);
    return new Promise((resolve, reject) => {
      let grace: NodeJS.Timeout | undefined;
      const stop = (): void => {
        Atomics.store(this.#stopFlag, 0, 1);
        this.#post({ type: 'stop', id });
        grace = setTimeout(() => {
          this.#failure = new Error(`The worker did not stop within ${this.#options.stopGraceMs} ms.`);
          void this.#worker.terminate();
        }, this.#options.stopGraceMs);
      };
      options.signal.addEventListener('abort', stop, { once: true });
      const cleanUp = (): void => {
        clearTimeout(grace);
        options.signal.removeEventListener('abort', stop);
      };
      this.#job = { id, options, resolve, reject, cleanUp };
      this.#post({ ...task, id, events: options.onEvent !== undefined, release: options.release });
    });
  }

  /** Tells the worker of agents that come or go; it hears it before any run that is started later. */
  tell(message: Extract<ToWorker, { type: 'add' | 'drop' }>): void {
    if (this.#mode !== 'gone') this.#post(message);
  }

  /** Lets the worker release its model and end; after the grace time it is ended by force. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#mode === 'gone') return;
    Atomics.store(this.#stopFlag, 0, 1);
    if (this.#mode === 'starting') {
      // It would not hear the message before the model is loaded.
      await this.#worker.terminate();
      return;
    }
    this.#post({ type: 'close' });
    const force = setTimeout(() => void this.#worker.terminate(), this.#options.stopGraceMs);
    await this.#exited;
    clearTimeout(force);
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromWorker): void {
    if (message.type === 'ready') {
      this.#mode = 'idle';
      this.#options.onReady(message.info, message.agents);
      return;
    }
    const job = this.#job;
    if (job?.id !== message.id) return;
    switch (message.type) {
      case 'event':
        job.options.onEvent?.(message.event);
        return;
      case 'result':
        this.#settle(job).resolve(message.value);
        return;
      case 'stopped':
        this.#settle(job).reject(job.options.signal.reason ?? crashed(undefined));
        return;
      case 'failed': {
        if (message.code === 'input_too_long') {
          this.#settle(job).reject(new AppError('context_length_exceeded', message.message));
          return;
        }
        const cause = new Error(message.message);
        if (message.stack !== undefined) cause.stack = message.stack;
        this.#settle(job).reject(new AppError('internal_error', 'The request could not be computed.', { cause }));
      }
    }
  }

  #settle(job: Job): Job {
    job.cleanUp();
    this.#job = undefined;
    if (this.#mode === 'busy') this.#mode = 'idle';
    return job;
  }

  #gone(error: Error): void {
    this.#mode = 'gone';
    const job = this.#job;
    if (job) this.#settle(job).reject(job.options.signal.aborted ? job.options.signal.reason : crashed(error));
    if (!this.#closing) this.#options.onGone(error);
  }
}
