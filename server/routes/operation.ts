import { Router } from 'express';
import type { Admission } from '../admission.js';
import { AppError } from '../errors.js';
import type { FeedbackStore } from '../feedback/store.js';
import type { InferenceHost } from '../inference/host.js';
import type { Metrics } from '../metrics.js';
import type { ReleaseRegistry } from '../releases/registry.js';

/** `GET /health`, `/ready` and `/metrics`: for whoever runs the server. */
export function operationRoutes(deps: {
  host: InferenceHost;
  admission: Admission;
  metrics: Metrics;
  registry: ReleaseRegistry;
  feedback: FeedbackStore | undefined;
}): Router {
  const { host, admission, metrics, registry, feedback } = deps;
  const router = Router();

  router.get('/health', (_request, response) => {
    response.json({ status: 'ok' });
  });

  router.get('/ready', (_request, response) => {
    const info = requireReady(host, admission);
    response.json({ status: 'ready', model: info.model, release: info.release });
  });

  router.get('/metrics', async (_request, response) => {
    metrics.ready.set(host.state === 'ready' && !admission.closed ? 1 : 0);
    metrics.releases.read(registry, host);
    if (feedback) metrics.feedback.show(feedback.counts);
    response.set('Content-Type', metrics.registry.contentType).send(await metrics.registry.metrics());
  });

  return router;
}

/** What is served, or AppError `not_ready` / `shutting_down`. */
export function requireReady(host: InferenceHost, admission: Admission): NonNullable<InferenceHost['info']> {
  if (admission.closed || host.state === 'closed') throw new AppError('shutting_down', 'The server is shutting down.');
  if (host.state !== 'ready' || !host.info) {
    const why =
      host.state === 'restarting' ? 'The inference worker is being restarted.' : 'The model is still loading.';
    throw new AppError('not_ready', why, { retryAfterSeconds: 1 });
  }
  return host.info;
}
