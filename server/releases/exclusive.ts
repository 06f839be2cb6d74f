import { AppError } from '../errors.js';

/** One change of agents or labels at a time. */
export class Exclusive {
  #running: Promise<unknown> | undefined;

  /**
   * Runs a change. Throws AppError `publish_busy` at once while another one runs, `store_unavailable` when the disk fails, and what
   * the change throws.
   */
  run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running) {
      return Promise.reject(new AppError('publish_busy', 'Another change is at work.', { retryAfterSeconds: 1 }));
    }
    const running = work()
      .catch((error: unknown) => {
        if (error instanceof Error && 'syscall' in error) {
          throw new AppError('store_unavailable', 'The store cannot be read or written.', { cause: error });
        }
        throw error;
      })
      .finally(() => {
        this.#running = undefined;
      });
    this.#running = running;
    return running;
  }

  /** Runs a change after those before it. */
  async runWhenFree<T>(work: () => Promise<T>): Promise<T> {
    while (this.#running) await this.#running.catch(() => undefined);
    return this.run(work);
  }
}
