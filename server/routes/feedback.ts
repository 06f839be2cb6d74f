import { Router } from 'express';
import type { Config } from '../config.js';
import { AppError, type ErrorDetail } from '../errors.js';
import type { FeedbackBody, FeedbackStore } from '../feedback/store.js';
import { readJsonBody } from '../json-body.js';
import type { Contract } from '../openapi.js';

/** What the route needs; `feedback` is undefined when none is kept. */
export interface FeedbackRouteDeps {
  readonly config: Config;
  readonly contract: Contract;
  readonly feedback: FeedbackStore | undefined;
}

/** `POST /v1/patches/{id}/feedback`: what a user says about an answer. */
export function feedbackRoutes({ config, contract, feedback }: FeedbackRouteDeps): Router {
  const router = Router({ strict: true, caseSensitive: true });

  router.post('/v1/patches/:id/feedback', async (request, response) => {
    if (!feedback) throw new AppError('feedback_off', 'No feedback is kept here.');
    const body = await readJsonBody(request, config.limits.maxBodyBytes);
    const details = [...contract.requestBody('giveFeedback')(body)];
    if (details.length === 0) details.push(...diffDetails(body as FeedbackBody));
    if (details.length > 0) {
      throw new AppError('invalid_request', 'The request does not fit the contract.', { details });
    }
    const { id } = request.params;
    const { verdict } = body as FeedbackBody;
    await feedback.judge(id, body as FeedbackBody);
    response.json({ id, verdict });
  });

  return router;
}

/** A diff belongs to `corrected` and to nothing else. */
function diffDetails({ verdict, diff }: FeedbackBody): ErrorDetail[] {
  if ((verdict === 'corrected') === (diff !== undefined)) return [];
  return [{ path: '/diff', message: diff === undefined ? 'is missing' : `does not go with ${verdict}` }];
}
