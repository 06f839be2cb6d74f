// Proves: the engine's worker ends the request at work when the flag is set, without waiting for a message, and is free then.
import { strict as assert } from 'node:assert';
import { Worker } from 'node:worker_threads';
import type { CompletionRequest, PatchRequest } from '../../pipeline/types.js';
import type { FromWorker, Task, ToWorker, WorkerSettings } from '../../server/inference/messages.js';
import { agentFilesIn } from '../../server/inference/release.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { longRequest } from './end-to-end.js';
import { body } from './helpers.js';

describe('engine worker', () => {
  const stopFlag = new SharedArrayBuffer(4);
  const flag = new Int32Array(stopFlag);
  const settings: WorkerSettings = {
    modelDir: TINY_DIRECTORY,
    agents: agentFilesIn(TINY_DIRECTORY),
    threads: 1,
    options: { abstainBelow: 0 },
    stopFlag,
  };
  let worker: Worker;
  let id = 0;
  before(async () => {
    worker = new Worker(new URL('../../server/inference/worker.js', import.meta.url), { workerData: settings });
    await new Promise((resolve) => worker.once('message', resolve));
  });
  after(() => worker.terminate());

  /** Gives the worker a task; resolves with its last message. */
  const run = (task: Task, onText: () => void): Promise<FromWorker['type']> => {
    id += 1;
    const sent: ToWorker = { ...task, id, events: true, release: undefined };
    return new Promise((resolve) => {
      const listen = (message: FromWorker): void => {
        if (message.type === 'event') {
          if (message.event.type === 'text') onText();
          return;
        }
        worker.off('message', listen);
        resolve(message.type);
      };
      worker.on('message', listen);
      worker.postMessage(sent);
    });
  };

  const completion: CompletionRequest = {
    agent: 'code-generation',
    prompt: 'def f():\n'.repeat(100),
    max_tokens: 400,
    temperature: 1,
    top_p: 1,
    seed: 1,
    stop: [],
  };
  for (const type of ['run', 'complete'] as const) {
    it(`stops at the flag alone: ${type}`, async () => {
      const long: Task =
        type === 'run'
          ? { type, request: { ...((await longRequest()) as PatchRequest), max_new_tokens: 320 } }
          : { type, request: completion };
      const outcome = await run(long, () => {
        Atomics.store(flag, 0, 1);
      });
      assert.equal(outcome, 'stopped');
      Atomics.store(flag, 0, 0);
      const next = await run({ type: 'run', request: { ...body, max_new_tokens: 8 } }, () => undefined);
      assert.equal(next, 'result');
    });
  }
});
