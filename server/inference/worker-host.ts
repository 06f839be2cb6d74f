import type { ChainRequest, CompletionRequest, PatchRequest, PipelineOptions } from '../../pipeline/types.js';
import { AppError } from '../errors.js';
import type { HostState, InferenceHost, RunOptions } from './host.js';
import { Lane } from './lane.js';
import type {
  AgentFiles,
  AgentPayload,
  ChainResult,
  CompletionResult,
  EngineInfo,
  InferenceResult,
  Release,
  Task,
} from './messages.js';

/** Settings of the worker threads. */
export interface WorkerHostOptions {
  readonly modelDir: string;
  /** Files of the release served first. */
  readonly agents: AgentFiles;
  /** Number of worker threads; each loads the model. */
  readonly workers: number;
  /** Threads of one graph run in one worker. */
  readonly threads: number;
  /** Settings of the pipeline that differ from its defaults. */
  readonly options?: Partial<PipelineOptions>;
  /** How long a worker may go on after it was told to stop, ms; then it is ended by force. Default 5000. */
  readonly stopGraceMs?: number;
  /** First pause before a worker that stops again and again is restarted, ms; doubles up to 64 times this. Default 250. */
  readonly restartPauseMs?: number;
  /** Module run in each thread; another one only in tests. */
  readonly workerFile?: URL;
  readonly onReady?: (info: EngineInfo) => void;
  /** Called once, with the release loaded from files, before a request can be computed. */
  readonly onFirstReady?: (info: EngineInfo, agents: readonly AgentPayload[]) => void;
  readonly onRestart?: (error: Error) => void;
}

/** Computes requests in worker threads, because a graph run blocks its thread. Restarts a worker that stops. */
export class WorkerHost implements InferenceHost {
  readonly #options: WorkerHostOptions;
  readonly #lanes: (Lane | undefined)[];
  readonly #restarts: (NodeJS.Timeout | undefined)[];
  /** Restarts in a row, per lane, without a worker that became ready. */
  readonly #failures: number[];
  readonly #waiting: (() => void)[] = [];
  readonly #started: Promise<EngineInfo>;
  #settleStart!: { resolve: (info: EngineInfo) => void; reject: (error: Error) => void };
  /** What every worker is to hold, by generation. */
  readonly #held = new Map<string, AgentPayload>();
  #info: EngineInfo | undefined;
  #closed = false;

  constructor(options: WorkerHostOptions) {
    this.#options = options;
    this.#started = new Promise((resolve, reject) => {
      this.#settleStart = { resolve, reject };
    });
    // Whoever does not wait for the start learns of it by `state`.
    this.#started.catch(() => undefined);
    this.#failures = Array.from({ length: options.workers }, () => 0);
    this.#restarts = Array.from({ length: options.workers }, () => undefined);
    this.#lanes = Array.from({ length: options.workers }, () => undefined);
    for (let index = 0; index < options.workers; index++) this.#start(index);
  }

  get info(): EngineInfo | undefined {
    return this.#info;
  }

  get state(): HostState {
    if (this.#closed) return 'closed';
    if (!this.#info) return 'loading';
    return this.#lanes.some((lane) => lane?.warm) ? 'ready' : 'restarting';
  }

  get held(): ReadonlyMap<string, AgentPayload> {
    return this.#held;
  }

  /** Resolves when the first worker is warm; rejects when the first start of one fails (it is not tried again then). */
  started(): Promise<EngineInfo> {
    return this.#started;
  }

  run(request: PatchRequest, options: RunOptions): Promise<InferenceResult> {
    return this.#compute({ type: 'run', request }, options) as Promise<InferenceResult>;
  }

  complete(request: CompletionRequest, options: RunOptions): Promise<CompletionResult> {
    return this.#compute({ type: 'complete', request }, options) as Promise<CompletionResult>;
  }

  runChain(request: ChainRequest, options: RunOptions): Promise<ChainResult> {
    return this.#compute({ type: 'chain', request }, options) as Promise<ChainResult>;
  }

  /** The worker answers a task with the value of its kind. */
  async #compute(task: Task, options: RunOptions): Promise<unknown> {
    for (;;) {
      if (this.#closed) throw new AppError('shutting_down', 'The server is shutting down.');
      options.signal.throwIfAborted();
      const lane = this.#lanes.find((candidate) => candidate?.idle);
      if (lane) {
        try {
          return await lane.run(task, options);
        } finally {
          this.#wake();
        }
      }
      await this.#freed(options.signal);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    this.#wakeAll();
    this.#settleStart.reject(new AppError('shutting_down', 'The server is shutting down.'));
    await Promise.all(this.#lanes.flatMap((lane) => lane?.close() ?? []));
  }

  addAgents(agents: readonly AgentPayload[]): void {
    for (const agent of agents) this.#held.set(agent.generation, agent);
    for (const lane of this.#lanes) lane?.tell({ type: 'add', agents });
  }

  serve(release: Release): void {
    if (this.#info) this.#info = { ...this.#info, release };
  }

  dropAgents(generations: readonly string[]): void {
    for (const generation of generations) this.#held.delete(generation);
    for (const lane of this.#lanes) lane?.tell({ type: 'drop', generations });
  }

  /** Waits until a lane may have become idle; rejects when the signal aborts. */
  #freed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(done), 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(done);
    });
  }

  #wake(): void {
    this.#waiting.shift()?.();
  }

  #wakeAll(): void {
    for (const waiter of this.#waiting.splice(0)) waiter();
  }

  #start(index: number): void {
    const { modelDir, threads, options = {} } = this.#options;
    const payloads = [...this.#held.values()];
    const agents = this.#info ? { release: this.#info.release, payloads } : this.#options.agents;
    this.#lanes[index] = new Lane({
      workerFile: this.#options.workerFile ?? new URL('worker.js', import.meta.url),
      settings: { modelDir, agents, threads, options },
      stopGraceMs: this.#options.stopGraceMs ?? 5000,
      onReady: (info, loaded) => {
        this.#failures[index] = 0;
        if (!this.#info) {
          this.#info = info;
          for (const agent of loaded) this.#held.set(agent.generation, agent);
          this.#options.onFirstReady?.(info, loaded);
        }
        // It may have loaded its files before others were replaced, or been started before an agent came.
        this.#lanes[index]?.tell({ type: 'add', agents: [...this.#held.values()] });
        this.#settleStart.resolve(info);
        this.#options.onReady?.(info);
        this.#wake();
      },
      onGone: (error) => {
        this.#lanes[index] = undefined;
        if (this.#closed) return;
        if (!this.#info) {
          this.#settleStart.reject(error);
          return;
        }
        this.#options.onRestart?.(error);
        this.#restart(index);
      },
    });
  }

  /** The first restart is at once; a worker that cannot even start is tried again after growing pauses. */
  #restart(index: number): void {
    const failures = this.#failures[index] ?? 0;
    this.#failures[index] = failures + 1;
    const pauseMs = failures === 0 ? 0 : (this.#options.restartPauseMs ?? 250) * 2 ** Math.min(6, failures - 1);
    this.#restarts[index] = setTimeout(() => {
      this.#start(index);
    }, pauseMs);
  }
}
