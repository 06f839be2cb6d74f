import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { PatchResult } from '../pipeline/types.js';
import type { InferenceResult } from './inference/messages.js';
import { AdapterMetrics } from './metrics/adapters.js';
import { AgentMetrics } from './metrics/agents.js';
import { FeedbackMetrics } from './metrics/feedback.js';
import { GitHubMetrics } from './metrics/github.js';
import { prefix, requestBuckets, stageBuckets, STAGES } from './metrics/names.js';
import { ProbeMetrics } from './metrics/probe.js';
import { QualityMetrics } from './metrics/quality.js';
import { ReleaseMetrics } from './metrics/releases.js';
import type { Label } from './releases/state.js';

/** prom-client's own metrics whose names break Prometheus' rules (gauges that end in `_total`). */
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** How a request that reached the queue ended. */
export type Outcome = PatchResult['status'] | 'completed' | 'failed' | 'deadline' | 'cancelled';

/** Every metric of the server. One instance per app, with its own registry; labels take only values of closed lists. */
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
  readonly forcedTokens = new Counter({
    name: `${prefix}forced_tokens_total`,
    help: 'Written tokens that the constraints left no choice about.',
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

  readonly adapters = new AdapterMetrics(this.registry);
  readonly agents = new AgentMetrics(this.registry);
  readonly quality = new QualityMetrics(this.registry);
  readonly releases = new ReleaseMetrics(this.registry);
  readonly feedback = new FeedbackMetrics(this.registry);
  readonly probe = new ProbeMetrics(this.registry);
  readonly github = new GitHubMetrics(this.registry);

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    for (const name of misnamed) this.registry.removeSingleMetric(name);
    for (const outcome of ['applies', 'syntax_error', 'abstained', 'completed', 'failed', 'deadline', 'cancelled']) {
      this.finished.inc({ outcome }, 0);
    }
  }

  /** Counts an answer of the pipeline: which label it came from, and how long it had waited. */
  observeResult(answer: InferenceResult, label: Label, waitedMs: number): void {
    const { usage, timings } = answer.result;
    this.promptTokens.inc(usage.source_tokens);
    this.forcedTokens.inc(usage.forced_tokens);
    for (const stage of STAGES) this.stageDuration.observe({ stage }, timings[stage] / 1000);
    this.agents.observe(answer, label, waitedMs);
    this.quality.observe(answer, label);
  }

  /** Counts the end of a request that held a slot. */
  observeOutcome(outcome: Outcome, seconds: number): void {
    this.finished.inc({ outcome });
    this.e2eLatency.observe({ outcome }, seconds);
  }
}
