import { AppError, ClientGoneError } from './errors.js';

/** Limits of the queue and what it reports. */
export interface AdmissionOptions {
  /** Requests computed at the same time. */
  readonly capacity: number;
  /** Requests that may wait; one more is refused at once. */
  readonly maxWaiting: number;
  /** Longest wait in ms. */
  readonly maxWaitMs: number;
  /** Called after each change of the counts. */
  readonly onChange?: (counts: { running: number; waiting: number }) => void;
  /** Milliseconds since any fixed moment. */
  readonly now?: () => number;
}

/** A place among the running requests. `release` may be called twice. */
export interface Slot {
  /** Time spent in the queue in ms. */
  readonly waitedMs: number;
  release(): void;
}

interface Waiter {
  readonly since: number;
  readonly settle: (outcome: { slot: Slot } | { error: Error }) => void;
}

/**
 * Bounded first-in, first-out queue in front of the workers.
 *
 * A request is *running* (holds a slot), *waiting* (in the queue), or refused. Legal moves: refused at once when the
 * queue is full or closed; waiting → running when a slot frees; waiting → gone when its signal aborts, its wait is over
 * or the queue closes. A waiter leaves the queue in the same turn in which one of these happens, so it never holds up others.
 */
export class Admission {
  #running = 0;
  readonly #waiters: Waiter[] = [];
  #closed = false;
  /** Smoothed time a slot is held, ms; only used to guess Retry-After. */
  #serviceMs = 2000;
  readonly #options: AdmissionOptions;
  readonly #now: () => number;
  readonly #idleListeners: (() => void)[] = [];

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** No more requests are taken. */
  get closed(): boolean {
    return this.#closed;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  /**
   * Waits for a slot. Rejects with AppError `overloaded`, `queue_timeout` or `shutting_down`, or with ClientGoneError when
   * the signal aborts.
   */
  async acquire(signal: AbortSignal): Promise<Slot> {
    if (this.#closed) throw new AppError('shutting_down', 'The server is shutting down.');
    if (signal.aborted) throw new ClientGoneError();
    if (this.#running < this.#options.capacity && this.#waiters.length === 0) return this.#grant(this.#now());
    if (this.#waiters.length >= this.#options.maxWaiting) {
      throw new AppError('overloaded', `All workers are busy and ${this.#options.maxWaiting} requests are waiting.`, {
        retryAfterSeconds: this.#retryAfterSeconds(),
      });
    }
    return new Promise<Slot>((resolve, reject) => {
      const leave = (error: Error): void => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        waiter.settle({ error });
        this.#changed();
      };
      const onAbort = (): void => {
        leave(new ClientGoneError());
      };
      const timer = setTimeout(() => {
        leave(
          new AppError('queue_timeout', `No worker became free within ${this.#options.maxWaitMs} ms.`, {
            retryAfterSeconds: this.#retryAfterSeconds(),
          }),
        );
      }, this.#options.maxWaitMs);
      const waiter: Waiter = {
        since: this.#now(),
        settle: (outcome) => {
          clearTimeout(timer);
          signal.removeEventListener('abort', onAbort);
          if ('slot' in outcome) resolve(outcome.slot);
          else reject(outcome.error);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiters.push(waiter);
      this.#changed();
    });
  }

  /** Refuses new requests and those waiting; running ones keep their slots. Resolves when none is running. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiter of this.#waiters.splice(0)) {
      waiter.settle({ error: new AppError('shutting_down', 'The server is shutting down.') });
    }
    this.#changed();
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => this.#idleListeners.push(resolve));
  }

  #grant(since: number): Slot {
    this.#running += 1;
    this.#changed();
    const started = this.#now();
    let released = false;
    return {
      waitedMs: started - since,
      release: () => {
        if (released) return;
        released = true;
        this.#running -= 1;
        this.#serviceMs = 0.8 * this.#serviceMs + 0.2 * (this.#now() - started);
        const next = this.#waiters.shift();
        if (next) next.settle({ slot: this.#grant(next.since) });
        this.#changed();
        if (this.#running === 0) for (const listener of this.#idleListeners.splice(0)) listener();
      },
    };
  }

  #retryAfterSeconds(): number {
    const ahead = this.#waiters.length + this.#running;
    return Math.max(1, Math.min(60, Math.ceil((ahead * this.#serviceMs) / this.#options.capacity / 1000)));
  }

  #changed(): void {
    this.#options.onChange?.({ running: this.#running, waiting: this.#waiters.length });
  }
}
