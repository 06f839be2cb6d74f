import type { IncomingHttpHeaders } from 'node:http';
import { AppError, ClientGoneError } from '../errors.js';

/** What is known of a span; never a text of a request or an answer. */
export type Attributes = Readonly<Record<string, string | number | boolean | string[]>>;

/** A stretch of work in a trace. Nothing fails because of it. */
export interface Span {
  /** 32 hex digits; undefined when nothing is recorded. */
  readonly traceId: string | undefined;
  /** Begins a part of it, `startedAt` in ms of `performance.now()` if it began earlier. */
  child(name: string, attributes?: Attributes, startedAt?: number): Span;
  set(attributes: Attributes): void;
  /** Ends it; `error` is the code of what went wrong. */
  end(error?: string): void;
}

/** Where spans come from. */
export interface Tracing {
  /** The span of an HTTP request, part of the trace that its `traceparent` names. */
  request(method: string, route: string, headers: IncomingHttpHeaders): Span;
  /** Sends what is left, for a second at most. */
  close(): Promise<void>;
}

/** Records nothing. */
export const noSpan: Span = {
  traceId: undefined,
  child: () => noSpan,
  set: () => undefined,
  end: () => undefined,
};

export const noTracing: Tracing = { request: () => noSpan, close: () => Promise.resolve() };

/** A code for whatever was thrown, as `error.type` of a span. */
export function errorType(thrown: unknown): string {
  if (thrown instanceof ClientGoneError) return 'client_gone';
  return thrown instanceof AppError ? thrown.code : 'internal_error';
}
