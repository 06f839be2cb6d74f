/** The only module that imports OpenTelemetry; loaded when there is an endpoint. */
import type { IncomingHttpHeaders } from 'node:http';
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span as OtelSpan,
  type Tracer,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Attributes, Span, Tracing } from './span.js';

/** A dead endpoint must not hold up the end of the process. */
const CLOSE_TIMEOUT_MS = 1000;
/** One request to the endpoint. */
const EXPORT_TIMEOUT_MS = 5000;
/** Spans wait this long for others to be sent with. */
const BATCH_DELAY_MS = 1000;

/**
 * Spans in batches to `<endpoint>/v1/traces`, as OTLP in JSON. What cannot be sent is dropped: at most 2,048 spans wait (the
 * processor's own bound), and no request ever waits for one.
 */
export class OpenTelemetryTracing implements Tracing {
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;
  readonly #propagator = new W3CTraceContextPropagator();

  constructor(endpoint: string) {
    const exporter = new OTLPTraceExporter({
      url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
      timeoutMillis: EXPORT_TIMEOUT_MS,
    });
    this.#provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'agentic-seq2seq' }),
      spanProcessors: [
        new BatchSpanProcessor(exporter, {
          scheduledDelayMillis: BATCH_DELAY_MS,
          exportTimeoutMillis: EXPORT_TIMEOUT_MS,
        }),
      ],
    });
    this.#tracer = this.#provider.getTracer('agentic-seq2seq');
  }

  request(method: string, route: string, headers: IncomingHttpHeaders): Span {
    const parent = this.#propagator.extract(ROOT_CONTEXT, headers, {
      get: (carrier: IncomingHttpHeaders, key) => carrier[key],
      keys: (carrier: IncomingHttpHeaders) => Object.keys(carrier),
    });
    const attributes = { 'http.request.method': method, 'http.route': route };
    const span = this.#tracer.startSpan(`${method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent);
    return new RecordedSpan(this.#tracer, span, parent);
  }

  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_TIMEOUT_MS)));
    // What the endpoint does not take is lost; that is no failure of the server.
    await Promise.race([this.#provider.shutdown().catch(() => undefined), late]);
    clearTimeout(timer);
  }
}

class RecordedSpan implements Span {
  readonly #tracer: Tracer;
  readonly #span: OtelSpan;
  readonly #context: Context;

  constructor(tracer: Tracer, span: OtelSpan, parent: Context) {
    this.#tracer = tracer;
    this.#span = span;
    this.#context = trace.setSpan(parent, span);
  }

  get traceId(): string {
    return this.#span.spanContext().traceId;
  }

  child(name: string, attributes: Attributes = {}, startedAt?: number): Span {
    const start = startedAt === undefined ? {} : { startTime: startedAt };
    const span = this.#tracer.startSpan(name, { kind: SpanKind.INTERNAL, attributes, ...start }, this.#context);
    return new RecordedSpan(this.#tracer, span, this.#context);
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(attributes);
  }

  end(error?: string): void {
    if (error !== undefined) {
      this.#span.setAttribute('error.type', error);
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}
