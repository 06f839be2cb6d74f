import { Router, type Response } from 'express';
import { idOf, outcomeOf, runAdmitted, type Admitted, type InferenceDeps } from '../admitted-run.js';
import { EventStream } from '../event-stream.js';
import { reportedError } from '../http-errors.js';
import { readJsonBody } from '../json-body.js';
import type { Outcome } from '../metrics.js';
import { modelCard, requireModel, requireServed, servedModels } from '../openai/models.js';
import { openAiErrorBody } from '../openai/errors.js';
import { DONE, chunk, mergeChunks, usageChunk, wholeAnswer, type AnswerHead } from '../openai/objects.js';
import { readOpenAiRequest, type OpenAiRequest, type Surface } from '../openai/parameters.js';
import { producerOf, type Producer } from '../openai/produce.js';
import { requireReady } from './operation.js';

/** Paths whose errors have the OpenAI shape. */
export const OPENAI_PATHS = ['/v1/models', '/v1/chat/completions', '/v1/completions'];

/** `/v1/models`, `/v1/chat/completions` and `/v1/completions` for clients and gateways that speak the OpenAI API. */
export function openAiRoutes(deps: InferenceDeps): Router {
  const { config, contract, host, admission, logger } = deps;
  const router = Router();
  const started = seconds();

  router.get('/v1/models', (_request, response) => {
    const { release } = requireReady(host, admission);
    response.json({ object: 'list', data: servedModels(release).map((id) => modelCard(id, release, started)) });
  });

  router.get('/v1/models/:model', (request, response) => {
    const { release } = requireReady(host, admission);
    const model = requireModel(request.params.model);
    requireServed(model, release);
    response.json(modelCard(model, release, started));
  });

  const surfaces: readonly [string, Surface][] = [
    ['/v1/chat/completions', 'chat'],
    ['/v1/completions', 'text'],
  ];
  for (const [path, surface] of surfaces) {
    router.post(path, async (request, response) => {
      const body = await readJsonBody(request, config.limits.maxBodyBytes);
      const asked = readOpenAiRequest(body, surface, contract, config.limits);
      const produce = producerOf(deps, asked, surface, response);
      await runAdmitted(deps, response, asked.model, (admitted) => {
        const { model } = asked;
        const release = admitted.lease.release.id;
        const head = { surface, id: idOf(response), model, created: seconds(), release };
        return asked.stream
          ? stream(head, asked, produce, admitted, response)
          : answer(head, produce, admitted, response);
      });
    });
  }

  const answer = async (
    head: AnswerHead,
    produce: Producer,
    admitted: Admitted,
    response: Response,
  ): Promise<Outcome> => {
    const { text, reason, usage, outcome } = await produce(admitted);
    response.json(wholeAnswer(head, text, reason, usage));
    return outcome;
  };

  const stream = async (
    head: AnswerHead,
    { includeUsage }: OpenAiRequest,
    produce: Producer,
    admitted: Admitted,
    response: Response,
  ): Promise<Outcome> => {
    const events = new EventStream(response, mergeChunks);
    try {
      if (head.surface === 'chat') events.send(chunk(head, {}, includeUsage));
      const { reason, usage, outcome } = await produce(admitted, (text) => {
        events.send(chunk(head, { text }, includeUsage));
      });
      events.send(chunk(head, { reason }, includeUsage));
      if (includeUsage) events.send(usageChunk(head, usage));
      events.send(DONE);
      return outcome;
    } catch (error) {
      if (!response.closed) events.send({ data: openAiErrorBody(reportedError(logger, error, response)) });
      return outcomeOf(error);
    } finally {
      events.end();
    }
  };

  return router;
}

/** Since 1970, as the OpenAI API counts. */
function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
