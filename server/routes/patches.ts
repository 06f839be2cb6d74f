import { Router, type Response } from 'express';
import type { Logger } from 'pino';
import type { Admission, Slot } from '../admission.js';
import type { Config } from '../config.js';
import { AppError, ClientGoneError } from '../errors.js';
import type { FeedbackStore } from '../feedback/store.js';
import type { InferenceHost } from '../inference/host.js';
import type { InferenceResult } from '../inference/messages.js';
import { readJsonBody } from '../json-body.js';
import type { Metrics, Outcome } from '../metrics.js';
import type { Contract } from '../openapi.js';
import type { CanaryWatch } from '../releases/canary-watch.js';
import type { Lease, ReleaseRegistry } from '../releases/registry.js';
import { readPatchRequest } from '../request-checks.js';

/** What POST /v1/patches needs. */
export interface PatchRouteDeps {
  readonly config: Config;
  readonly contract: Contract;
  readonly host: InferenceHost;
  readonly admission: Admission;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly registry: ReleaseRegistry;
  readonly watch: CanaryWatch;
  readonly feedback: FeedbackStore | undefined;
  /** Aborts when running requests may go on no longer (the end of a shutdown). */
  readonly drained: AbortSignal;
}

/** `POST /v1/patches`: body → checks → queue → worker → answer. */
export function patchRoutes(deps: PatchRouteDeps): Router {
  const { config, contract, host, admission, metrics, logger, registry, watch, feedback } = deps;
  const router = Router();

  router.post('/v1/patches', async (request, response) => {
    const id = (response.locals as { id: string }).id;
    const body = await readJsonBody(request, config.limits.maxBodyBytes);
    const { request: patchRequest, marks } = readPatchRequest(body, contract, config.limits);
    if (host.state === 'loading' || !registry.state)
      throw new AppError('not_ready', 'The model is still loading.', { retryAfterSeconds: 1 });

    const gone = signalOfClient(response);
    const admitted = performance.now();
    // The pair is chosen here and stays, however long the request waits and whatever is published meanwhile.
    const lease = registry.pin(request.get('x-request-key') ?? id);
    const slot = await admission.acquire(gone).catch((error: unknown) => {
      lease.end();
      throw error;
    });
    metrics.queueTime.observe(slot.waitedMs / 1000);
    let outcome: Outcome = 'failed';
    try {
      const answer = await runWithDeadline(deps, patchRequest, gone, lease);
      const { result, release } = answer;
      outcome = result.status;
      metrics.observeResult(answer, lease.label, slot.waitedMs);
      logger.info(
        {
          id,
          status: result.status,
          patches: result.patches.length,
          usage: result.usage,
          timings: result.timings,
          release,
          label: lease.label,
        },
        'patches',
      );
      const { issue, files } = patchRequest;
      const { patches } = result;
      // An answer that cannot be kept is still an answer.
      await feedback?.remember({ id, release: release.id, issue, files, patches }, marks).catch((error: unknown) => {
        logger.error({ id, err: error }, 'answer not kept for feedback');
      });
      sendAnswer(response, id, slot, answer);
    } catch (error) {
      if (error instanceof ClientGoneError) outcome = 'cancelled';
      if (error instanceof AppError && error.code === 'deadline_exceeded') outcome = 'deadline';
      throw error;
    } finally {
      slot.release();
      lease.end();
      const seconds = (performance.now() - admitted) / 1000;
      metrics.observeOutcome(outcome, seconds);
      watch.observe(lease.label, outcome, seconds);
    }
  });

  return router;
}

async function runWithDeadline(
  deps: PatchRouteDeps,
  patchRequest: Parameters<InferenceHost['run']>[0],
  gone: AbortSignal,
  { release }: Lease,
): Promise<InferenceResult> {
  const { requestTimeoutMs } = deps.config;
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    deadline.abort(new AppError('deadline_exceeded', `The request took longer than ${requestTimeoutMs} ms.`));
  }, requestTimeoutMs);
  try {
    return await deps.host.run(patchRequest, {
      signal: AbortSignal.any([gone, deadline.signal, deps.drained]),
      release,
    });
  } finally {
    clearTimeout(timer);
  }
}

function sendAnswer(response: Response, id: string, slot: Slot, { result, release }: InferenceResult): void {
  const timings = Object.entries({ queue: slot.waitedMs, ...result.timings }).map(([stage, ms]) => [
    stage,
    roundMs(ms),
  ]);
  response.json({ id, ...result, release, timings: Object.fromEntries(timings) as unknown });
}

/** To the microsecond. */
function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
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
