import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { PatchResult, Stage } from '../pipeline/types.js';
import type { Release } from './inference/messages.js';
import { adaptersOf } from './openai/models.js';

const prefix = 'agentic_';

/** OpenTelemetry's buckets for the duration of one generation request, seconds. */
const requestBuckets = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const stageBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const tenths = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

/** prom-client's own metrics whose names break Prometheus' rules (gauges that end in `_total`). */
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** How a request that reached the queue ended. */
export type Outcome = PatchResult['status'] | 'completed' | 'failed' | 'deadline' | 'cancelled';

/** Every metric of the server. One instance per app, with its own registry. */
export class Metrics {
  readonly registry = new Registry();

  readonly httpRequests = new Counter({
    name: 'http_requests_total',
    help: 'Answered HTTP requests.',
    labelNames: ['method', 'path', 'status'] as const,
    registers: [this.registry],
  });
  readonly httpDuration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer.',
    labelNames: ['method', 'path', 'status'] as const,
    buckets: requestBuckets,
    registers: [this.registry],
  });
  readonly httpInFlight = new Gauge({
    name: 'http_requests_in_flight',
    help: 'HTTP requests not yet answered.',
    registers: [this.registry],
  });
  readonly running = new Gauge({
    name: `${prefix}requests_running`,
    help: 'Requests being computed.',
    registers: [this.registry],
  });
  readonly waiting = new Gauge({
    name: `${prefix}requests_waiting`,
    help: 'Requests in the queue.',
    registers: [this.registry],
  });
  readonly capacity = new Gauge({
    name: `${prefix}requests_capacity`,
    help: 'Requests that can be computed at the same time.',
    registers: [this.registry],
  });
  readonly rejected = new Counter({
    name: `${prefix}requests_rejected_total`,
    help: 'Requests for patches or completions answered with an error, by its code.',
    labelNames: ['reason'] as const,
    registers: [this.registry],
  });
  readonly finished = new Counter({
    name: `${prefix}requests_finished_total`,
    help: 'Requests that got a worker, by how they ended.',
    labelNames: ['outcome'] as const,
    registers: [this.registry],
  });
  readonly queueTime = new Histogram({
    name: `${prefix}request_queue_time_seconds`,
    help: 'Time a request waited for a worker.',
    buckets: stageBuckets,
    registers: [this.registry],
  });
  readonly e2eLatency = new Histogram({
    name: `${prefix}e2e_request_latency_seconds`,
    help: 'Time from admission to the answer, queue included.',
    labelNames: ['outcome'] as const,
    buckets: requestBuckets,
    registers: [this.registry],
  });
  readonly stageDuration = new Histogram({
    name: `${prefix}stage_duration_seconds`,
    help: 'Time of one stage of one request.',
    labelNames: ['stage'] as const,
    buckets: stageBuckets,
    registers: [this.registry],
  });
  readonly promptTokens = new Counter({
    name: `${prefix}prompt_tokens_total`,
    help: 'Tokens read by the encoder.',
    registers: [this.registry],
  });
  readonly generationTokens = new Counter({
    name: `${prefix}generation_tokens_total`,
    help: 'Tokens written, by agent; forced ones included.',
    labelNames: ['agent'] as const,
    registers: [this.registry],
  });
  readonly forcedTokens = new Counter({
    name: `${prefix}forced_tokens_total`,
    help: 'Written tokens that the constraints left no choice about.',
    registers: [this.registry],
  });
  readonly patches = new Counter({
    name: `${prefix}patches_total`,
    help: 'Returned patches by status; one abstained answer counts as one.',
    labelNames: ['status'] as const,
    registers: [this.registry],
  });
  readonly changedLines = new Histogram({
    name: `${prefix}patch_changed_lines`,
    help: 'Lines removed and added by the first patch of an answer.',
    buckets: [1, 2, 3, 5, 8, 13, 21, 34, 55],
    registers: [this.registry],
  });
  readonly confidence = new Histogram({
    name: `${prefix}analysis_confidence`,
    help: 'Confidence of the first analysis of an answer.',
    buckets: tenths,
    registers: [this.registry],
  });
  readonly agentInfo = new Gauge({
    name: `${prefix}agent_info`,
    help: 'The generation of each agent of the stable release; always 1.',
    labelNames: ['agent', 'generation'] as const,
    registers: [this.registry],
  });
  readonly releaseChanges = new Counter({
    name: `${prefix}release_changes_total`,
    help: 'Changes of what the labels point to, by action.',
    labelNames: ['action'] as const,
    registers: [this.registry],
  });
  readonly residentAgents = new Gauge({
    name: `${prefix}resident_agents`,
    help: 'Agent generations in the memory of each worker.',
    registers: [this.registry],
  });
  readonly ready = new Gauge({
    name: `${prefix}ready`,
    help: '1 when requests are taken, else 0.',
    registers: [this.registry],
  });
  readonly workerRestarts = new Counter({
    name: `${prefix}worker_restarts_total`,
    help: 'Inference workers started again after they stopped.',
    registers: [this.registry],
  });
  /** Under vLLM's name, by which gateways look for it. */
  readonly loraRequests = new Gauge({
    name: 'vllm:lora_requests_info',
    help: 'Adapters that are loaded and that queued requests wait for; the value is the time of the last change.',
    labelNames: ['max_lora', 'running_lora_adapters', 'waiting_lora_adapters'] as const,
    registers: [this.registry],
  });
  /** How many queued requests wait for each adapter. */
  readonly #waitingFor = new Map<string, number>();

  constructor() {
    this.#showAdapters();
    collectDefaultMetrics({ register: this.registry });
    for (const name of misnamed) this.registry.removeSingleMetric(name);
    for (const outcome of ['applies', 'syntax_error', 'abstained', 'completed', 'failed', 'deadline', 'cancelled']) {
      this.finished.inc({ outcome }, 0);
    }
    for (const status of ['applies', 'syntax_error', 'abstained']) this.patches.inc({ status }, 0);
  }

  /** Counts an answer of the pipeline. */
  observeResult(result: PatchResult): void {
    const { usage, timings } = result;
    this.promptTokens.inc(usage.source_tokens);
    this.generationTokens.inc({ agent: 'issue-analysis' }, usage.analysis_tokens);
    this.generationTokens.inc({ agent: 'code-generation' }, usage.patch_tokens);
    this.forcedTokens.inc(usage.forced_tokens);
    for (const stage of ['retrieval', 'encode', 'analysis', 'code', 'ranking'] satisfies Stage[]) {
      this.stageDuration.observe({ stage }, timings[stage] / 1000);
    }
    if (result.patches.length === 0) this.patches.inc({ status: 'abstained' });
    for (const patch of result.patches) this.patches.inc({ status: patch.status });
    const first = result.patches[0];
    if (first) this.changedLines.observe(first.diff.match(/^[-+](?![-+]{2} )/gm)?.length ?? 0);
    if (result.analysis) this.confidence.observe(result.analysis.confidence);
  }

  /** Counts the end of a request that held a slot. */
  observeOutcome(outcome: Outcome, seconds: number): void {
    this.finished.inc({ outcome });
    this.e2eLatency.observe({ outcome }, seconds);
  }

  /** Counts a queued request under the adapters it needs, until the function returned is called. */
  waitFor(adapters: readonly string[]): () => void {
    const add = (change: number): void => {
      for (const name of adapters) this.#waitingFor.set(name, (this.#waitingFor.get(name) ?? 0) + change);
      this.#showAdapters();
    };
    add(1);
    return () => {
      add(-1);
    };
  }

  /** Both agents are in memory as long as the server answers, so a gateway need not prefer one server to another. */
  #showAdapters(): void {
    const loaded = adaptersOf('pipeline');
    this.loraRequests.reset();
    this.loraRequests.set(
      {
        max_lora: String(loaded.length),
        running_lora_adapters: loaded.join(','),
        waiting_lora_adapters: loaded.filter((name) => (this.#waitingFor.get(name) ?? 0) > 0).join(','),
      },
      Date.now() / 1000,
    );
  }

  /** Says which generations are served; earlier ones disappear from the series. */
  showRelease(release: Release): void {
    this.agentInfo.reset();
    this.agentInfo.set({ agent: 'issue-analysis', generation: release.issue_analysis }, 1);
    this.agentInfo.set({ agent: 'code-generation', generation: release.code_generation }, 1);
  }
}
