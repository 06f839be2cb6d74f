import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

interface Value {
  readonly stringValue?: string;
  readonly intValue?: number;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values: readonly Value[] };
}

/** A span as it arrived, with its attributes by name. */
export interface ReceivedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly status: { readonly code: number };
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface Export {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<ReceivedSpan, 'attributes'> & { attributes: { key: string; value: Value }[] })[];
    }[];
  }[];
}

const valueOf = ({ stringValue, intValue, doubleValue, arrayValue }: Value): unknown =>
  arrayValue ? arrayValue.values.map(valueOf) : (stringValue ?? Number(intValue ?? doubleValue));

/** A collector of OTLP/HTTP in JSON on this machine. */
export class OtlpCollector {
  readonly spans: ReceivedSpan[] = [];
  /** Everything that was sent, as text. */
  raw = '';
  readonly #server: Server;
  #onSpans: () => void = () => undefined;
  #onRequest: () => void = () => undefined;

  /** With `isMute` it takes requests and never answers. */
  private constructor(isMute: boolean) {
    this.#server = createServer((request, response) => {
      this.#onRequest();
      if (isMute) return;
      void (json(request) as Promise<Export>).then((sent) => {
        this.raw += JSON.stringify(sent);
        if (request.url !== '/v1/traces') throw new Error(`unexpected ${request.url}`);
        for (const { scopeSpans } of sent.resourceSpans) {
          for (const { spans } of scopeSpans) {
            for (const { attributes, ...span } of spans) {
              const named = Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]));
              this.spans.push({ ...span, attributes: named });
            }
          }
        }
        response.setHeader('content-type', 'application/json').end('{}');
        this.#onSpans();
      });
    });
  }

  static async listen(isMute = false): Promise<OtlpCollector> {
    const collector = new OtlpCollector(isMute);
    await new Promise<void>((resolve) => collector.#server.listen(0, '127.0.0.1', resolve));
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The first request of anybody. */
  get asked(): Promise<void> {
    return new Promise((resolve) => (this.#onRequest = resolve));
  }

  /** Waits for a span and returns it with the other spans of its trace. */
  async until(isWanted: (span: ReceivedSpan) => boolean): Promise<{ span: ReceivedSpan; trace: ReceivedSpan[] }> {
    for (;;) {
      const span = this.spans.find(isWanted);
      if (span) return { span, trace: this.spans.filter(({ traceId }) => traceId === span.traceId) };
      await new Promise<void>((resolve) => (this.#onSpans = resolve));
    }
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
