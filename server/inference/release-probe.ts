import { Worker } from 'node:worker_threads';
import type { ProbeMetrics } from '../metrics/probe.js';
import type { ReleaseState } from '../releases/state.js';
import type { InferenceHost } from './host.js';
import type { ProbeTask, Release, ReleaseScores } from './messages.js';
import { generationsOf } from './release.js';

/** What a {@link ReleaseProbe} works with. */
export interface ReleaseProbeOptions {
  readonly modelDir: string;
  /** JSON lines; see `pipeline/probe-row.ts`. */
  readonly rowsFile: string;
  readonly host: Pick<InferenceHost, 'held'>;
  readonly metrics: Pick<ProbeMetrics, 'show' | 'runs'>;
  readonly onScored: (release: Release, scores: ReleaseScores) => void;
  readonly onFailure: (error: Error) => void;
  /** Module run in the thread; another one only in tests. */
  readonly workerFile?: URL;
}

/**
 * Scores each release that gets a label on held-out rows, once, one at a time. A thread with a backbone of its own does it at
 * the lowest priority and ends when it is done, so no request waits for it and its memory is not kept. A release that cannot
 * be scored is not tried again.
 */
export class ReleaseProbe {
  readonly #options: ReleaseProbeOptions;
  /** By release id; undefined: failed. Those without a label are forgotten. */
  #scores = new Map<string, ReleaseScores | undefined>();
  #state: Pick<ReleaseState, 'stable' | 'canary'> | undefined;
  #worker: Worker | undefined;
  #closed = false;

  constructor(options: ReleaseProbeOptions) {
    this.#options = options;
  }

  /** To be called with what the labels point to, at first and after each change. */
  watch(state: Pick<ReleaseState, 'stable' | 'canary'>): void {
    this.#state = state;
    const labelled = new Set(this.#labelled().map(({ id }) => id));
    this.#scores = new Map([...this.#scores].filter(([id]) => labelled.has(id)));
    this.#show();
    this.#next();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
  }

  #labelled(): Release[] {
    const { stable, canary } = this.#state ?? {};
    return [stable, canary?.release].filter((release) => release !== undefined);
  }

  #show(): void {
    const { stable, canary } = this.#state ?? {};
    this.#options.metrics.show('stable', stable && this.#scores.get(stable.id));
    this.#options.metrics.show('canary', canary ? this.#scores.get(canary.release.id) : undefined);
  }

  #next(): void {
    const release = this.#labelled().find(({ id }) => !this.#scores.has(id));
    if (this.#worker || this.#closed || !release) return;
    const { modelDir, rowsFile, host, metrics, onScored, onFailure } = this.#options;
    const payloads = generationsOf(release).flatMap((generation) => host.held.get(generation) ?? []);
    const workerData: ProbeTask = { modelDir, rowsFile, release, payloads };
    const worker = new Worker(this.#options.workerFile ?? new URL('probe-worker.js', import.meta.url), { workerData });
    this.#worker = worker;
    // The server decides when the process ends.
    worker.unref();
    let scores: ReleaseScores | undefined;
    let failure = new Error('The thread that scores releases ended.');
    worker.on('message', (message: ReleaseScores) => {
      scores = message;
    });
    worker.on('error', (error) => {
      failure = error instanceof Error ? error : new Error(String(error));
    });
    worker.once('exit', () => {
      this.#worker = undefined;
      if (this.#closed) return;
      metrics.runs.inc({ outcome: scores ? 'scored' : 'failed' });
      if (this.#labelled().some(({ id }) => id === release.id)) this.#scores.set(release.id, scores);
      this.#show();
      if (scores) onScored(release, scores);
      else onFailure(failure);
      this.#next();
    });
  }
}
