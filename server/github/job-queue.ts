/** Work that nobody waits for. It must not reject. */
interface Job {
  readonly key: string;
  readonly work: () => Promise<void>;
}

/**
 * Jobs beside the requests: a bounded number waits, few run at once so that requests keep their places in the queue of the workers,
 * and two of one key never do, so that neither misses what the other writes.
 */
export class JobQueue {
  readonly #atOnce: number;
  readonly #maxWaiting: number;
  #waiting: Job[] = [];
  readonly #running = new Map<string, Promise<void>>();
  #closed = false;

  constructor(options: { readonly atOnce: number; readonly maxWaiting: number }) {
    this.#atOnce = options.atOnce;
    this.#maxWaiting = options.maxWaiting;
  }

  /** Whether there is room for one more. */
  get hasRoom(): boolean {
    return !this.#closed && this.#waiting.length < this.#maxWaiting;
  }

  add(key: string, work: () => Promise<void>): void {
    this.#waiting.push({ key, work });
    this.#next();
  }

  /** Begins what waits all the same, so that each job can say that it ends; resolves when none runs. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#next();
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  #next(): void {
    for (;;) {
      if (this.#running.size >= this.#atOnce) return;
      const job = this.#waiting.find(({ key }) => !this.#running.has(key));
      if (!job) return;
      this.#waiting = this.#waiting.filter((other) => other !== job);
      const done = job.work().finally(() => {
        this.#running.delete(job.key);
        this.#next();
      });
      this.#running.set(job.key, done);
    }
  }
}
