/** Runs in a worker thread: owns the engine, computes one request at a time, tells the main thread what happens. */
import { parentPort, workerData } from 'node:worker_threads';
import { bareAgent } from '../../adapters/agent.js';
import type { AgentName } from '../../agents/names.js';
import type { AgentTensors } from '../../model/agent-tensors.js';
import type { Backbone } from '../../model/backbone.js';
import { ModelError } from '../../model/errors.js';
import { runChain } from '../../pipeline/chains/run-chain.js';
import { complete, type CompletionCall } from '../../pipeline/completion.js';
import { createPatches } from '../../pipeline/pipeline.js';
import type { Measures, PipelineEvent } from '../../pipeline/types.js';
import { AgentShelf } from './agent-shelf.js';
import { loadEngine } from './engine.js';
import type {
  ChainResult,
  CompletionResult,
  FromWorker,
  InferenceResult,
  Release,
  Task,
  ToWorker,
  WorkerSettings,
} from './messages.js';
import { stoppable } from './stop-flag.js';
import { warmUpOptions, warmUpRequest } from './warm-up.js';

type RunMessage = Extract<ToWorker, { type: Task['type'] }>;

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
  await createPatches(engine, warmUpRequest, { options: warmUpOptions });
  let current: Current | undefined;
  /** Made when it is first asked for: few want the backbone alone. */
  let bare: AgentTensors | undefined;

  const compute = async (
    task: Task,
    backbone: Backbone,
    release: Release,
    call: CompletionCall,
  ): Promise<InferenceResult | CompletionResult | ChainResult> => {
    if (task.type === 'run') {
      const agents = shelf.pair(release);
      let measures: Measures | undefined;
      const result = await createPatches({ ...engine, backbone, agents }, task.request, {
        ...call,
        onMeasures: (taken) => (measures = taken),
        options: settings.options,
      });
      return { result, measures: measures!, release };
    }
    if (task.type === 'chain') {
      const agent = (name: AgentName): AgentTensors => shelf.agent(release, name);
      return { answer: await runChain({ backbone, syntax: engine.syntax!, agent }, task.request, call), release };
    }
    const { agent } = task.request;
    const tensors = agent === null ? (bare ??= bareAgent(backbone.config)) : shelf.agent(release, agent);
    return { completion: await complete({ backbone, agent: tensors }, task.request, call), release };
  };

  const run = async (message: RunMessage): Promise<void> => {
    const { id, events, release = info.release } = message;
    const stop = new AbortController();
    current = { id, stop };
    const backbone = stoppable(
      engine.backbone,
      () => Atomics.load(stopFlag, 0) !== 0,
      () => {
        stop.abort();
      },
    );
    const onEvent = (event: PipelineEvent): void => {
      if (events) send({ type: 'event', id, event });
    };
    try {
      const value = await compute(message, backbone, release, { signal: stop.signal, onEvent });
      send({ type: 'result', id, value });
    } catch (error) {
      const { message: text, stack } = error instanceof Error ? error : new Error(String(error));
      const code = error instanceof ModelError ? { code: error.code } : {};
      send(stop.signal.aborted ? { type: 'stopped', id } : { type: 'failed', id, ...code, message: text, stack });
    } finally {
      current = undefined;
    }
  };

  port.on('message', (message: ToWorker) => {
    switch (message.type) {
      case 'run':
      case 'complete':
      case 'chain':
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
