import type { ServerResponse } from 'node:http';

/** How often a comment is sent: below the idle time after which usual proxies close a connection. */
const HEARTBEAT_MS = 15_000;

/** One server-sent event; `data` is what follows `data: `. */
export interface ServerSentEvent {
  /** The event's name; clients call one without a name `message`. */
  readonly name?: string;
  readonly data: unknown;
}

/**
 * An answer as server-sent events. While the client reads more slowly than events come, they are held here, and those
 * that `merge` can make one of become one: what is held grows with the text, not with the number of events.
 */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #merge: (held: ServerSentEvent, next: ServerSentEvent) => ServerSentEvent | undefined;
  readonly #held: ServerSentEvent[] = [];
  readonly #heartbeat: NodeJS.Timeout;
  #ended = false;

  /** Sends the headers with status 200: errors have to be events from now on. */
  constructor(
    response: ServerResponse,
    merge: (held: ServerSentEvent, next: ServerSentEvent) => ServerSentEvent | undefined,
  ) {
    this.#response = response;
    this.#merge = merge;
    // X-Accel-Buffering: nginx would collect the events otherwise.
    response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    response.flushHeaders();
    response.on('drain', () => {
      this.#flush();
    });
    this.#heartbeat = setInterval(() => {
      if (!response.writableNeedDrain) response.write(': heartbeat\n\n');
    }, HEARTBEAT_MS);
    response.once('close', () => {
      clearInterval(this.#heartbeat);
    });
  }

  /** Sends an event, or holds it while the client is slow. */
  send(event: ServerSentEvent): void {
    const last = this.#held.at(-1);
    const merged = last && this.#merge(last, event);
    if (merged) this.#held.splice(-1, 1, merged);
    else this.#held.push(event);
    this.#flush();
  }

  /** Ends the answer once everything held is sent. */
  end(): void {
    this.#ended = true;
    this.#flush();
  }

  #flush(): void {
    while (!this.#response.writableNeedDrain) {
      const event = this.#held.shift();
      if (!event) break;
      this.#response.write(encoded(event));
    }
    if (!this.#ended || this.#held.length > 0) return;
    clearInterval(this.#heartbeat);
    this.#response.end();
  }
}

/** JSON has no raw line ends, so the data is one line. A text is sent as it is. */
function encoded({ name, data }: ServerSentEvent): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${text}\n\n`;
}
