import { Webhooks } from '@octokit/webhooks';
import { Router } from 'express';
import type { RequestLocals } from '../admitted-run.js';
import type { Config } from '../config.js';
import { AppError } from '../errors.js';
import { readEvent } from '../github/events.js';
import type { GitHubReceiver } from '../github/receiver.js';
import { parseJson, readJsonText } from '../json-body.js';
import { keysOf } from '../keys.js';
import type { Metrics } from '../metrics.js';
import type { Contract } from '../openapi.js';

/** What the route needs; `github` is undefined while the webhook is off. */
export interface GitHubRouteDeps {
  readonly config: Config;
  readonly contract: Contract;
  readonly metrics: Metrics;
  readonly github: GitHubReceiver | undefined;
}

const DELIVERY = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const EVENTS = ['issues', 'pull_request'];

/** `POST /v1/github/webhook`: checks the signature, answers at once, and lets the receiver work. */
export function githubRoutes({ config, contract, metrics, github }: GitHubRouteDeps): Router {
  const router = Router();

  router.post('/v1/github/webhook', async (request, response) => {
    if (!github) throw new AppError('github_off', 'The webhook is off: no secret is configured.');
    const text = await readJsonText(request, config.limits.maxBodyBytes);
    await requireSignature(text, request.get('x-hub-signature-256') ?? '', await keysOf(config.github.secrets));
    const delivery = request.get('x-github-delivery') ?? '';
    const name = request.get('x-github-event') ?? '';
    if (!DELIVERY.test(delivery) || name === '') {
      throw new AppError('invalid_request', 'X-GitHub-Delivery or X-GitHub-Event is missing or wrong.');
    }
    const event = readEvent(name, parseJson(text), config.github.label, contract);
    const outcome = event ? github.take(event, delivery, (response.locals as RequestLocals).span) : 'ignored';
    metrics.github.deliveries.inc({ event: EVENTS.includes(name) ? name : 'other', outcome });
    if (outcome === 'ignored') response.status(204).end();
    else response.status(202).json({ delivery, status: outcome });
  });

  return router;
}

/** Tries every secret, in constant time each. Throws AppError `wrong_signature`. */
async function requireSignature(text: string, signature: string, secrets: readonly string[]): Promise<void> {
  // The library takes an empty text or signature for a fault of the program.
  if (text !== '' && signature !== '') {
    const fits = await Promise.all(secrets.map((secret) => new Webhooks({ secret }).verify(text, signature)));
    if (fits.includes(true)) return;
  }
  throw new AppError('wrong_signature', 'X-Hub-Signature-256 is missing or wrong.');
}
