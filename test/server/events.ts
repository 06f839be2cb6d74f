import { strict as assert } from 'node:assert';

/** A server-sent event as a client reads it; comments are left out. */
export interface ReceivedEvent {
  /** `message` when the server gave no name. */
  readonly name: string;
  readonly text: string;
  /** Undefined where the text is not JSON. */
  readonly data: Record<string, unknown> | undefined;
}

/** Reads the events of an answer one by one, as they arrive. */
export async function* eventsOf(response: Response): AsyncGenerator<ReceivedEvent> {
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
  assert.ok(response.body);
  let held = '';
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    held += text;
    for (let end = held.indexOf('\n\n'); end >= 0; end = held.indexOf('\n\n')) {
      const event = parse(held.slice(0, end));
      held = held.slice(end + 2);
      if (event) yield event;
    }
  }
  assert.equal(held, '', 'the last event is whole');
}

/** All events of an answer. */
export async function allEvents(response: Response): Promise<ReceivedEvent[]> {
  const events: ReceivedEvent[] = [];
  for await (const event of eventsOf(response)) events.push(event);
  return events;
}

function parse(block: string): ReceivedEvent | undefined {
  const lines = block.split('\n');
  const field = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  const text = field('data');
  if (text === undefined) return undefined;
  const isJson = text.startsWith('{');
  return {
    name: field('event') ?? 'message',
    text,
    data: isJson ? (JSON.parse(text) as Record<string, unknown>) : undefined,
  };
}
