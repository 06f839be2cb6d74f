import { basename } from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError, isErrorCode } from '../errors.js';
import type { AgentCard, AgentPayload, CheckReply, CheckRequest } from './messages.js';

/** A file that passed every check: what it says, and its numbers. */
export interface CheckedAgent {
  readonly card: AgentCard;
  readonly payload: AgentPayload;
}

interface Job {
  readonly id: number;
  readonly resolve: (checked: CheckedAgent) => void;
  readonly reject: (error: AppError) => void;
}

/**
 * Loads agents' files and tries them on a backbone of its own, in a thread that serves no request. The thread starts with
 * the first file; if a file ends it, only that file is refused and the next one gets a new thread.
 */
export class AgentChecker {
  readonly #modelDir: string;
  #worker: Worker | undefined;
  #job: Job | undefined;
  #lastId = 0;

  constructor(modelDir: string) {
    this.#modelDir = modelDir;
  }

  /**
   * Checks one file of at most `maxBytes`; call it again only after it settled. Rejects with an AppError: the `agent_…`
   * code of the fault, or `internal_error` when there was nothing to check it with.
   */
  check(file: string, maxBytes: number): Promise<CheckedAgent> {
    this.#lastId += 1;
    const request: CheckRequest = { id: this.#lastId, file, maxBytes };
    return new Promise((resolve, reject) => {
      this.#job = {
        id: request.id,
        resolve,
        // The place of the file on this machine is nobody's business.
        reject: (error) => {
          reject(new AppError(error.code, error.message.replaceAll(file, basename(file)), { cause: error.cause }));
        },
      };
      this.#worker ??= this.#start();
      this.#worker.ref();
      this.#worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('check-worker.js', import.meta.url), {
      workerData: { modelDir: this.#modelDir },
    });
    worker.on('message', (reply: CheckReply) => {
      const job = this.#job;
      if (reply.type === 'ready' || job?.id !== reply.id) return;
      this.#job = undefined;
      // With nothing to check it keeps no process from ending.
      worker.unref();
      if (reply.type === 'checked') {
        job.resolve({ card: reply.card, payload: reply.payload });
      } else if (reply.code !== undefined && isErrorCode(reply.code)) {
        job.reject(new AppError(reply.code, reply.message));
      } else {
        job.reject(
          new AppError('internal_error', 'The agent could not be checked.', { cause: new Error(reply.message) }),
        );
      }
    });
    let failure: unknown;
    worker.on('error', (error) => {
      failure = error;
    });
    worker.once('exit', () => {
      this.#worker = undefined;
      const job = this.#job;
      this.#job = undefined;
      job?.reject(new AppError('agent_warm_up_failed', 'The thread that tried the agent ended.', { cause: failure }));
    });
    return worker;
  }
}
