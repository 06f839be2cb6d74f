import { noTracing, type Tracing } from './span.js';

/** Spans that go to an OTLP endpoint by HTTP; without one nothing of OpenTelemetry is loaded. */
export async function openTracing(endpoint: string): Promise<Tracing> {
  if (endpoint === '') return noTracing;
  const { OpenTelemetryTracing } = await import('./open-telemetry.js');
  return new OpenTelemetryTracing(endpoint);
}
