import type { Response } from 'express';
import type { Logger } from 'pino';
import type { Admission, Slot } from './admission.js';
import type { Config } from './config.js';
import { AppError, ClientGoneError, type ErrorCode } from './errors.js';
import type { InferenceHost } from './inference/host.js';
import type { Metrics, Outcome } from './metrics.js';
import { adaptersOf, requireServed, type ModelId } from './openai/models.js';
import type { Contract } from './openapi.js';
import type { CanaryWatch } from './releases/canary-watch.js';
import type { Lease, ReleaseRegistry } from './releases/registry.js';
import { errorType, type Span } from './telemetry/span.js';

/** What the routes need that compute something. */
export interface InferenceDeps {
  readonly config: Config;
  readonly contract: Contract;
  readonly host: InferenceHost;
  readonly admission: Admission;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly registry: ReleaseRegistry;
  readonly watch: CanaryWatch;
  /** Aborts when running requests may go on no longer (the end of a shutdown). */
  readonly drained: AbortSignal;
}

/** What is known of a request besides its text, for its log lines. */
export interface RequestLocals {
  id: string;
  /** Code of the error it was answered with. */
  code?: ErrorCode;
  /** Id of the release it was pinned to, also if it failed then. */
  release?: string;
  span: Span;
}

/** Who asks for a run: a request of HTTP, or work that no connection waits for. */
export interface Caller {
  /** Picks the side while a canary is served. */
  readonly key: string;
  /** Aborts when nobody wants the answer any more. */
  readonly gone: AbortSignal;
  readonly span: Span;
  /** Told the id of the release that the run is pinned to. */
  readonly onPinned: (release: string) => void;
}

/** What a request holds while it is computed. */
export interface Admitted {
  readonly slot: Slot;
  readonly lease: Lease;
  /** Aborts when the client goes, the deadline passes or the server has drained. */
  readonly signal: AbortSignal;
  /** What the run is a part of. */
  readonly span: Span;
}

/** {@link runFor} the client of a response. */
export function runAdmitted(
  deps: InferenceDeps,
  response: Response,
  model: ModelId,
  work: (admitted: Admitted) => Promise<Outcome>,
): Promise<void> {
  const locals = response.locals as RequestLocals;
  const caller: Caller = {
    key: response.req.get('x-request-key') ?? locals.id,
    gone: signalOfClient(response),
    span: locals.span,
    onPinned: (release) => (locals.release = release),
  };
  return runFor(deps, caller, model, work);
}

/**
 * Queue, release and deadline of one request to a model: `work` runs with a slot and a pinned release, which it loses when it ends.
 * It returns how it ended. Throws what the queue and `work` throw, and AppError `not_ready`, `model_not_found`.
 */
export async function runFor(
  deps: InferenceDeps,
  { key, gone, span, onPinned }: Caller,
  model: ModelId,
  work: (admitted: Admitted) => Promise<Outcome>,
): Promise<void> {
  const { host, admission, metrics, registry, watch } = deps;
  if (host.state === 'loading' || !registry.state) {
    throw new AppError('not_ready', 'The model is still loading.', { retryAfterSeconds: 1 });
  }
  const admitted = performance.now();
  // The pair is chosen here and stays, however long the request waits and whatever is published meanwhile.
  const lease = registry.pin(key);
  onPinned(lease.release.id);
  try {
    requireServed(model, lease.release);
  } catch (error) {
    lease.end();
    throw error;
  }
  const queued = span.child('queue');
  const waited = metrics.adapters.waitFor(adaptersOf(model));
  const slot = await admission
    .acquire(gone)
    .catch((error: unknown) => {
      lease.end();
      queued.end(errorType(error));
      throw error;
    })
    .finally(waited);
  queued.end();
  metrics.queueTime.observe(slot.waitedMs / 1000);
  const deadline = deadlineAfter(deps.config.requestTimeoutMs);
  let outcome: Outcome = 'failed';
  try {
    outcome = await work({ slot, lease, signal: AbortSignal.any([gone, deadline.signal, deps.drained]), span });
  } catch (error) {
    outcome = outcomeOf(error);
    throw error;
  } finally {
    deadline.clear();
    slot.release();
    lease.end();
    const seconds = (performance.now() - admitted) / 1000;
    metrics.observeOutcome(outcome, seconds);
    // A canary is judged by its patches.
    if (model === 'pipeline') watch.observe(lease.label, outcome, seconds);
  }
}

/** How a request ended that threw this. */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof ClientGoneError) return 'cancelled';
  return error instanceof AppError && error.code === 'deadline_exceeded' ? 'deadline' : 'failed';
}

/** The request's id, which is in its log lines. */
export function idOf(response: Response): string {
  return (response.locals as RequestLocals).id;
}

function deadlineAfter(timeoutMs: number): { readonly signal: AbortSignal; clear(): void } {
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    deadline.abort(new AppError('deadline_exceeded', `The request took longer than ${timeoutMs} ms.`));
  }, timeoutMs);
  return {
    signal: deadline.signal,
    clear: () => {
      clearTimeout(timer);
    },
  };
}

/** Aborts with ClientGoneError when the connection closes before the answer is out. */
function signalOfClient(response: Response): AbortSignal {
  const controller = new AbortController();
  const check = (): void => {
    if (!response.writableFinished) controller.abort(new ClientGoneError());
  };
  if (response.closed) check();
  else response.once('close', check);
  return controller.signal;
}
