/** Runs in a worker thread: owns the engine, computes one request at a time, tells the main thread what happens. */
import { parentPort, workerData } from 'node:worker_threads';
import { createPatches } from '../../pipeline/pipeline.js';
import type { PipelineEvent } from '../../pipeline/types.js';
import { AgentShelf } from './agent-shelf.js';
import { loadEngine } from './engine.js';
import type { FromWorker, ToWorker, WorkerSettings } from './messages.js';
import { stoppable } from './stop-flag.js';
import { warmUpRequest } from './warm-up.js';

/** The request at work. */
interface Current {
  readonly id: number;
  readonly stop: AbortController;
}

async function main(): Promise<void> {
  const port = parentPort;
  if (!port) throw new Error('This module runs in a worker thread.');
  const settings = workerData as WorkerSettings;
  const stopFlag = new Int32Array(settings.stopFlag);
  const send = (message: FromWorker): void => {
    port.postMessage(message);
  };
  const { engine, info, agents } = await loadEngine(settings);
  const shelf = new AgentShelf(engine.backbone.config);
  shelf.add(agents);
  // The first run of a graph allocates what later ones reuse; better now than in somebody's request.
  await createPatches(engine, warmUpRequest);
  let current: Current | undefined;

  const run = async ({
    id,
    request,
    events,
    release = info.release,
  }: Extract<ToWorker, { type: 'run' }>): Promise<void> => {
    const stop = new AbortController();
    current = { id, stop };
    const isStopped = (): boolean => Atomics.load(stopFlag, 0) !== 0;
    const backbone = stoppable(engine.backbone, isStopped, () => {
      stop.abort();
    });
    const onEvent = (event: PipelineEvent): void => {
      if (isStopped()) stop.abort();
      else if (events) send({ type: 'event', id, event });
    };
    try {
      const pinned = { ...engine, backbone, agents: shelf.pair(release) };
      const result = await createPatches(pinned, request, { signal: stop.signal, onEvent, options: settings.options });
      send({ type: 'result', id, value: { result, release } });
    } catch (error) {
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      send(stop.signal.aborted ? { type: 'stopped', id } : { type: 'failed', id, message, stack });
    } finally {
      current = undefined;
    }
  };

  port.on('message', (message: ToWorker) => {
    switch (message.type) {
      case 'run':
        void run(message);
        return;
      case 'stop':
        if (current?.id === message.id) current.stop.abort();
        return;
      case 'add':
        shelf.add(message.agents);
        return;
      case 'drop':
        shelf.drop(message.generations);
        return;
      case 'close':
        current?.stop.abort();
        port.close();
        engine.syntax?.dispose();
        void engine.backbone.close();
    }
  });
  send({ type: 'ready', info, agents });
}

await main();
