// A worker that speaks the protocol of server/inference/messages.ts and does what the issue's title says.
import { parentPort, workerData } from 'node:worker_threads';
import type { EngineInfo, FromWorker, ToWorker, WorkerSettings } from '../../server/inference/messages.js';
import type { AgentMeasures, PatchResult } from '../../pipeline/types.js';

const settings = workerData as WorkerSettings;
const flag = new Int32Array(settings.stopFlag);
const info: EngineInfo = {
  model: { name: settings.modelDir, fingerprint: '0'.repeat(64) },
  release: { id: 'r', issue_analysis: 'a', code_generation: 'c' },
};
const empty: PatchResult = {
  status: 'abstained',
  abstained_because: 'no_candidate',
  analysis: null,
  patches: [],
  windows: [],
  usage: {
    source_tokens: 0,
    analysis_tokens: 0,
    patch_tokens: 0,
    forced_tokens: 0,
    windows: 0,
    hypotheses: 0,
    candidates: 0,
    finish_reason: 'complete',
  },
  timings: { retrieval: 0, encode: 0, analysis: 0, code: 0, ranking: 0, total: 0 },
};

const nothing: AgentMeasures = {
  first_text_ms: null,
  gaps_ms: [],
  mean_logprob: null,
  gate_mean: null,
  runs: 0,
  sequences: 0,
};
const measures = { analysis: nothing, code: nothing, overlap: null };

if (settings.modelDir === 'broken') throw new Error('No model here.');

const send = (message: FromWorker): void => {
  parentPort?.postMessage(message);
};

parentPort?.on('message', (message: ToWorker) => {
  if (message.type === 'close') parentPort?.close();
  if (message.type === 'stop') send({ type: 'stopped', id: message.id });
  if (message.type !== 'run') return;
  const { id } = message;
  switch (message.request.issue.title) {
    case 'crash':
      throw new Error('Crash on request.');
    case 'exit':
      process.exit(3);
    // eslint-disable-next-line no-fallthrough -- process.exit does not return
    case 'fail':
      send({ type: 'failed', id, message: 'Something odd.', stack: undefined });
      return;
    case 'block':
      // Deaf to messages, but looks at the flag.
      while (Atomics.load(flag, 0) === 0);
      send({ type: 'stopped', id });
      return;
    case 'stuck':
      for (;;);
    case 'wait':
      send({ type: 'event', id, event: { type: 'stage_started', stage: 'encode' } });
      return;
    default:
      send({ type: 'event', id, event: { type: 'stage_started', stage: 'encode' } });
      send({ type: 'result', id, value: { result: empty, measures, release: message.release ?? info.release } });
  }
});
send({ type: 'ready', info, agents: [] });
