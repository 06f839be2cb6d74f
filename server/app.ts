import { randomUUID } from 'node:crypto';
import express, { type Express, type RequestHandler } from 'express';
import type { InferenceDeps, RequestLocals } from './admitted-run.js';
import { AppError } from './errors.js';
import { errorHandler } from './http-errors.js';
import type { Contract } from './openapi.js';
import { requireApiKey } from './keys.js';
import { adminRoutes } from './routes/admin.js';
import type { AdminRouteDeps } from './routes/admin-request.js';
import { githubRoutes, type GitHubRouteDeps } from './routes/github.js';
import { operationRoutes } from './routes/operation.js';
import { openAiErrorBody } from './openai/errors.js';
import { feedbackRoutes, type FeedbackRouteDeps } from './routes/feedback.js';
import { OPENAI_PATHS, openAiRoutes } from './routes/openai.js';
import { pageRoutes } from './routes/page.js';
import { patchRoutes } from './routes/patches.js';
import { noSpan, type Tracing } from './telemetry/span.js';

/** Everything the app is made of; tests put a fake host in. */
export type AppDeps = InferenceDeps &
  AdminRouteDeps &
  FeedbackRouteDeps &
  GitHubRouteDeps & { readonly tracing: Tracing };

/** What one port answers. */
export interface Apis {
  readonly inference: boolean;
  readonly admin: boolean;
}

/** The HTTP application of one port: ids, logs, metrics, routes, errors. It never listens. */
export function buildApp(deps: AppDeps, apis: Apis = { inference: true, admin: true }): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  app.set('query parser', false);

  app.use(trace(deps, () => deps.admission.closed));
  app.use(onlyDocumentedMethods(deps.contract));
  if (apis.admin) app.use(adminRoutes(deps));
  if (apis.inference) {
    app.use(operationRoutes(deps));
    app.use(pageRoutes(deps.config));
    // Signed, so it needs no key.
    app.use(githubRoutes(deps));
    // Without a path: what comes after it needs a key, however its path is written.
    app.use(requireApiKey(deps.config.apiKeys));
    app.use(patchRoutes(deps));
    app.use(feedbackRoutes(deps));
    app.use(openAiRoutes(deps));
  }
  app.use(() => {
    throw new AppError('not_found', 'There is nothing at this path.');
  });
  app.use(OPENAI_PATHS, errorHandler(deps.logger, openAiErrorBody));
  app.use(errorHandler(deps.logger));
  return app;
}

/** Paths whose requests are worth a log line at `info`, and whose errors are counted by code. */
const INFERENCE_PATHS = ['/v1/patches', '/v1/chat/completions', '/v1/completions'];

/** Asked again and again by whoever watches the server: not worth a span. */
const PROBE_PATHS = ['/health', '/ready', '/metrics'];

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** Gives the request its id and, when the connection is done with it, a log line and its counts. Nothing of a body is logged. */
function trace(
  { logger, metrics, contract, tracing }: Pick<AppDeps, 'logger' | 'metrics' | 'contract' | 'tracing'>,
  closing: () => boolean,
): RequestHandler {
  return (request, response, next) => {
    const started = performance.now();
    const sent = request.get('x-request-id');
    const id = sent !== undefined && uuid.test(sent) ? sent : randomUUID();
    const locals = response.locals as RequestLocals;
    locals.id = id;
    response.set('x-request-id', id);
    if (closing()) response.set('Connection', 'close');
    const path = contract.templateOf(request.path) ?? 'unknown';
    // Any word may be sent as a method; only documented ones become a label.
    const method = contract.methodsOf(request.path).includes(request.method) ? request.method : 'other';
    const span = PROBE_PATHS.includes(path) ? noSpan : tracing.request(method, path, request.headers);
    locals.span = span;
    metrics.httpInFlight.inc();
    response.once('close', () => {
      metrics.httpInFlight.dec();
      // 499 as in nginx: the client went away before the answer.
      const status = response.writableFinished ? response.statusCode : 499;
      const ms = performance.now() - started;
      const labels = { method, path, status: String(status) };
      metrics.httpRequests.inc(labels);
      metrics.httpDuration.observe(labels, ms / 1000);
      const isInference = INFERENCE_PATHS.includes(path);
      const { code, release } = locals;
      if (isInference && code !== undefined) metrics.rejected.inc({ reason: code });
      if (method === 'POST') metrics.releases.answered(path, code);
      span.set({ 'http.response.status_code': status, 'agentic.request.id': id });
      span.end(code ?? (status === 499 ? 'client_gone' : undefined));
      const trace = span.traceId;
      const level = status >= 500 ? 'warn' : isInference ? 'info' : 'debug';
      logger[level]({ id, method, path, status, code, release, trace, ms: Math.round(ms * 10) / 10 }, 'request');
    });
    next();
  };
}

/** 405 with Allow before any route is looked at: express would answer OPTIONS itself and other methods with 404. */
function onlyDocumentedMethods(contract: Contract): RequestHandler {
  return (request, response, next) => {
    const allowed = contract.methodsOf(request.path);
    if (allowed.length === 0 || allowed.includes(request.method)) {
      next();
      return;
    }
    response.set('Allow', allowed.join(', '));
    throw new AppError('method_not_allowed', `${request.method} is not allowed here; ${allowed.join(', ')} is.`);
  };
}
