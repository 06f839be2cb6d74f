import type { AdminClient } from './admin-client.js';

/** One server-sent event of `/v1/agents/events`. */
export interface AdminEvent {
  readonly id: string | undefined;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The events stream of a server, read one by one. */
export class EventReader {
  private constructor(
    private readonly events: AsyncGenerator<AdminEvent, undefined>,
    private readonly leave: AbortController,
  ) {}

  /** Resolves once the server sends changes. */
  static async open(admin: AdminClient): Promise<EventReader> {
    const leave = new AbortController();
    const response = await admin.fetch('/v1/agents/events', { signal: leave.signal });
    return new EventReader(eventsOf(response.body!), leave);
  }

  /** The next event of a type; those before it are dropped. */
  async next(type: string): Promise<AdminEvent> {
    for (;;) {
      const { value, done } = await this.events.next();
      if (done === true) throw new Error(`The stream ended before an event ${type}.`);
      if (value.type === type) return value;
    }
  }

  close(): void {
    this.leave.abort();
  }
}

async function* eventsOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<AdminEvent, undefined> {
  let text = '';
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const whole = text.split('\n\n');
    text = whole.pop()!;
    for (const event of whole) {
      const fields = Object.fromEntries(event.split('\n').map((line) => line.split(/: (.*)/s, 2))) as Record<
        string,
        string
      >;
      yield { id: fields['id'], type: fields['event']!, data: JSON.parse(fields['data']!) as AdminEvent['data'] };
    }
  }
  return undefined;
}
