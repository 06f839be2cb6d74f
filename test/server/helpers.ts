import { strict as assert } from 'node:assert';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import type {
  AgentMeasures,
  Completion,
  CompletionRequest,
  Measures,
  PatchRequest,
  PatchResult,
} from '../../pipeline/types.js';
import { Admission } from '../../server/admission.js';
import { buildApp } from '../../server/app.js';
import { FeedbackStore } from '../../server/feedback/store.js';
import { loadConfig, type Config } from '../../server/config.js';
import { GitHubReceiver } from '../../server/github/receiver.js';
import type { HostState, InferenceHost, RunOptions } from '../../server/inference/host.js';
import type { CompletionResult, EngineInfo, InferenceResult } from '../../server/inference/messages.js';
import { releaseOf } from '../../server/inference/release.js';
import { Metrics } from '../../server/metrics.js';
import { loadContract } from '../../server/openapi.js';
import { CanaryWatch } from '../../server/releases/canary-watch.js';
import { ReleaseRegistry } from '../../server/releases/registry.js';
import { noTracing } from '../../server/telemetry/span.js';

export const contract = loadContract();

/** A small sound body. */
export const body = {
  issue: { title: 'The last page is missing', body: '21 items make 2 pages of 10.' },
  files: [{ path: 'shop/pages.py', content: 'def page_count(items, size):\n    return len(items) // size\n' }],
};

const analysis = {
  problem: 'The last page is missing',
  fault_type: 'wrong operator',
  fault_location: 'pages.py::page_count',
  line: 'return len(items) // size',
  hint: 'round up',
  confidence: 0.5,
};

export const result: PatchResult = {
  status: 'applies',
  analysis,
  patches: [
    {
      diff: 'diff --git a/shop/pages.py b/shop/pages.py\n--- a/shop/pages.py\n+++ b/shop/pages.py\n@@ -1,2 +1,2 @@\n def page_count(items, size):\n-    return len(items) // size\n+    return -(-len(items) // size)\n',
      score: 0.6,
      status: 'applies',
      files: ['shop/pages.py'],
      analysis,
      reasons: [{ name: 'syntax', weight: 0.2, detail: 'The file still parses.' }],
    },
  ],
  windows: [{ path: 'shop/pages.py', first_line: 1, last_line: 2, score: 1 }],
  usage: {
    source_tokens: 80,
    analysis_tokens: 40,
    patch_tokens: 30,
    forced_tokens: 20,
    windows: 1,
    hypotheses: 1,
    candidates: 1,
    finish_reason: 'complete',
  },
  timings: { retrieval: 1, encode: 2, analysis: 3, code: 4, ranking: 5, total: 15 },
};

const agentMeasures: AgentMeasures = {
  first_text_ms: 3,
  gaps_ms: [1, 2],
  mean_logprob: -0.5,
  gate_mean: 0.25,
  runs: 4,
  sequences: 6,
};

export const measures: Measures = { analysis: agentMeasures, code: agentMeasures, overlap: 0.5 };

const info: EngineInfo = {
  model: { name: 'fake', fingerprint: 'f'.repeat(64) },
  release: releaseOf('a'.repeat(64), 'c'.repeat(64)),
};

type Behaviour = (request: PatchRequest, options: RunOptions) => Promise<PatchResult>;

/** An inference host that does what the test says. */
export class FakeHost implements InferenceHost {
  state: HostState = 'ready';
  readonly info = info;
  readonly held = new Map<string, never>();
  readonly requests: PatchRequest[] = [];
  behaviour: Behaviour = () => Promise.resolve(result);

  async run(request: PatchRequest, options: RunOptions): Promise<InferenceResult> {
    this.requests.push(request);
    return { result: await this.behaviour(request, options), measures, release: options.release ?? info.release };
  }

  readonly completions: CompletionRequest[] = [];
  completion: (request: CompletionRequest, options: RunOptions) => Promise<Completion> = () =>
    Promise.resolve({ text: 'text', finish: 'stop', usage: { prompt_tokens: 5, completion_tokens: 2 } });

  async complete(request: CompletionRequest, options: RunOptions): Promise<CompletionResult> {
    this.completions.push(request);
    return { completion: await this.completion(request, options), release: options.release ?? info.release };
  }

  runChain(): never {
    throw new Error('The fake has no agents of a chain.');
  }

  addAgents(): void {
    // Nothing is held here.
  }

  serve(): void {
    // Nothing is held here.
  }

  dropAgents(): void {
    // Nothing is held here.
  }

  async close(): Promise<void> {
    this.state = 'closed';
  }
}

/** A run that goes on until its signal aborts; `entered` resolves once it is running. */
export function hangingRun(): { behaviour: Behaviour; entered: Promise<void>; finish: () => void } {
  let enter!: () => void;
  let finish!: () => void;
  const entered = new Promise<void>((resolve) => (enter = resolve));
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const behaviour: Behaviour = async (_request, { signal }) => {
    enter();
    await Promise.race([
      finished,
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      }),
    ]);
    return result;
  };
  return { behaviour, entered, finish };
}

export interface TestServer {
  readonly url: string;
  readonly host: FakeHost;
  readonly admission: Admission;
  readonly metrics: Metrics;
  readonly config: Config;
  /** Undefined while the webhook is off. */
  readonly github: GitHubReceiver | undefined;
  readonly log: readonly Record<string, unknown>[];
  /** Aborting it is the end of a shutdown. */
  readonly drained: AbortController;
  /** POST /v1/patches. */
  post(body: unknown, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

/** The app with a fake host on a free port. `environment` are configuration variables, `now` is the feedback's clock. */
export async function serve(environment: NodeJS.ProcessEnv = {}, now: () => number = Date.now): Promise<TestServer> {
  const config = loadConfig(environment);
  const host = new FakeHost();
  const metrics = new Metrics();
  const admission = new Admission({
    capacity: config.workers,
    maxWaiting: config.queueSize,
    maxWaitMs: config.queueTimeoutMs,
  });
  const drained = new AbortController();
  const log: Record<string, unknown>[] = [];
  const logger = pino(
    { base: null, level: 'trace' },
    { write: (line) => log.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const registry = new ReleaseRegistry(host);
  registry.begin({ stable: info.release, canary: null, previous: [] });
  const watch = new CanaryWatch(config.canary, () => undefined);
  const feedback = config.feedback.folder === '' ? undefined : await FeedbackStore.open(config.feedback, now);
  const inference = { config, contract, host, admission, metrics, logger, registry, watch, drained: drained.signal };
  const github = GitHubReceiver.open({ ...inference, feedback });
  const app = buildApp({ ...inference, feedback, admin: undefined, github, tracing: noTracing });
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    host,
    admission,
    metrics,
    config,
    github,
    log,
    drained,
    post: (content, init) =>
      fetch(`${url}/v1/patches`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content),
        ...init,
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** Paths whose errors have the OpenAI shape. */
const openAiPath = /^\/v1\/(?:models|chat\/completions|completions)(?:\/|$)/;

/** Asserts status and code of an error answer, and that it has the documented shape. Returns the error. */
export async function assertError(
  response: Response,
  status: number,
  code: string,
): Promise<{ message: string; details: { path: string; message: string }[]; param?: string | null; type?: string }> {
  const answer = (await response.json()) as { error: { code: string; message: string; details: [] } };
  const schema = openAiPath.test(new URL(response.url).pathname) ? 'OpenAiError' : 'ErrorAnswer';
  assert.deepEqual(contract.schema(schema)(answer), []);
  assert.deepEqual({ status: response.status, code: answer.error.code }, { status, code }, answer.error.message);
  return answer.error;
}

/** "METHOD /path status" of what openapi.yaml documents under a tag; not 405, which is by nature the answer to another method. */
export function documentedStatuses(isWanted: (tags: readonly string[]) => boolean): string[] {
  return Object.entries(contract.document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) =>
      Object.keys(isWanted(operation.tags) ? operation.responses : {})
        .filter((status) => status !== '405')
        .map((status) => `${method.toUpperCase()} ${path} ${status}`),
    ),
  );
}
