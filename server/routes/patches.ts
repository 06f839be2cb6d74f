import { Router, type Response } from 'express';
import type { Slot } from '../admission.js';
import { idOf, outcomeOf, runAdmitted, type Admitted, type InferenceDeps } from '../admitted-run.js';
import { observePatches } from '../answer-log.js';
import { EventStream } from '../event-stream.js';
import { keepForFeedback } from '../feedback/keep.js';
import { errorBody, reportedError } from '../http-errors.js';
import type { InferenceResult } from '../inference/messages.js';
import { readJsonBody } from '../json-body.js';
import type { Outcome } from '../metrics.js';
import { readPatchRequest, type CheckedRequest } from '../request-checks.js';
import { runTraced } from '../telemetry/inference-spans.js';
import type { FeedbackRouteDeps } from './feedback.js';
import { mergeTokens, patchEvent } from './patch-events.js';

/** `POST /v1/patches`: body → checks → queue → worker → answer, whole or as events. */
export function patchRoutes(deps: InferenceDeps & Pick<FeedbackRouteDeps, 'feedback'>): Router {
  const { config, contract, host, logger } = deps;
  const router = Router();

  router.post('/v1/patches', async (request, response) => {
    const body = await readJsonBody(request, config.limits.maxBodyBytes);
    const checked = readPatchRequest(body, contract, config.limits);
    const work = checked.stream ? stream : answer;
    await runAdmitted(deps, response, 'pipeline', (admitted) => work(checked, admitted, response));
  });

  const keep = ({ request, marks }: CheckedRequest, id: string, answered: InferenceResult): Promise<void> =>
    keepForFeedback(deps, id, request, answered, marks);

  const answer = async (checked: CheckedRequest, admitted: Admitted, response: Response): Promise<Outcome> => {
    const { slot } = admitted;
    const answered = await runTraced(host, admitted, checked.request);
    observePatches(deps, idOf(response), admitted, answered);
    await keep(checked, idOf(response), answered);
    response.json(patchAnswer(idOf(response), slot, answered));
    return answered.result.status;
  };

  /** A failure is an event: the status was sent when the worker took the request. */
  const stream = async (checked: CheckedRequest, admitted: Admitted, response: Response): Promise<Outcome> => {
    const { lease, slot } = admitted;
    const id = idOf(response);
    const release = { id: lease.release.id };
    const events = new EventStream(response, mergeTokens);
    try {
      const answered = await runTraced(host, admitted, checked.request, (event) => {
        const told = patchEvent(event, lease.release);
        if (told) events.send(told);
      });
      observePatches(deps, id, admitted, answered);
      await keep(checked, id, answered);
      events.send({ name: 'patch', data: patchAnswer(id, slot, answered) });
      events.send({ name: 'done', data: { id, release } });
      return answered.result.status;
    } catch (error) {
      if (!response.closed) {
        const reported = errorBody(reportedError(logger, error, response));
        events.send({ name: 'error', data: { release, ...reported } });
      }
      return outcomeOf(error);
    } finally {
      events.end();
    }
  };

  return router;
}

function patchAnswer(id: string, slot: Slot, { result, release }: InferenceResult): object {
  const timings = Object.entries({ queue: slot.waitedMs, ...result.timings }).map(([stage, ms]) => [
    stage,
    roundMs(ms),
  ]);
  return { id, ...result, release, timings: Object.fromEntries(timings) as unknown };
}

/** To the microsecond. */
function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
