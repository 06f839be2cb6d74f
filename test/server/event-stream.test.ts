// Proves: events go out as they come, a slow client costs no more memory than the text, and an idle stream shows that it lives.
import { strict as assert } from 'node:assert';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { mock } from 'node:test';
import { EventStream } from '../../server/event-stream.js';
import { mergeTokens } from '../../server/routes/patch-events.js';

/** A response whose client reads only when the test says so. */
class SlowResponse extends EventEmitter {
  written: string[] = [];
  writableNeedDrain = false;
  isSlow = false;
  ended = false;

  writeHead(): void {
    // Nothing is looked at here.
  }

  flushHeaders(): void {
    // Nothing is looked at here.
  }

  write(text: string): void {
    assert.ok(!this.writableNeedDrain, 'nothing is written to a full buffer');
    this.written.push(text);
    this.writableNeedDrain = this.isSlow;
  }

  end(): void {
    this.ended = true;
  }

  drain(): void {
    this.writableNeedDrain = false;
    this.emit('drain');
  }
}

function open(isSlow = false): { response: SlowResponse; stream: EventStream } {
  const response = new SlowResponse();
  response.isSlow = isSlow;
  return { response, stream: new EventStream(response as unknown as ServerResponse, mergeTokens) };
}

const token = (text: string, stage = 'analysis'): { name: string; data: object } => ({
  name: 'token',
  data: { stage, text },
});

describe('event stream', () => {
  it('writes an event with its name, or without one', () => {
    const { response, stream } = open();
    stream.send({ name: 'done', data: { id: 'x\ny' } });
    stream.send({ data: '[DONE]' });
    stream.end();
    assert.deepEqual(response.written, ['event: done\ndata: {"id":"x\\ny"}\n\n', 'data: [DONE]\n\n']);
    assert.ok(response.ended);
  });

  it('holds events while the client is slow, joins tokens of one stage, and loses nothing', () => {
    const { response, stream } = open(true);
    stream.send(token('a'));
    for (const text of ['b', 'c', 'd']) stream.send(token(text));
    for (const text of ['e', 'f']) stream.send(token(text, 'code'));
    stream.send({ name: 'patch', data: 1 });
    stream.end();
    assert.deepEqual(response.written, ['event: token\ndata: {"stage":"analysis","text":"a"}\n\n']);
    for (let left = 3; left > 0; left--) {
      assert.ok(!response.ended);
      response.drain();
    }
    assert.deepEqual(response.written.slice(1), [
      'event: token\ndata: {"stage":"analysis","text":"bcd"}\n\n',
      'event: token\ndata: {"stage":"code","text":"ef"}\n\n',
      'event: patch\ndata: 1\n\n',
    ]);
    assert.ok(response.ended);
  });

  it('sends a comment every 15 seconds, unless the client is slow, and none after the end', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    try {
      const { response, stream } = open();
      mock.timers.tick(14_999);
      assert.deepEqual(response.written, []);
      mock.timers.tick(1);
      assert.deepEqual(response.written, [': heartbeat\n\n']);
      response.writableNeedDrain = true;
      mock.timers.tick(15_000);
      assert.equal(response.written.length, 1);
      response.drain();
      mock.timers.tick(15_000);
      assert.equal(response.written.length, 2);
      stream.end();
      mock.timers.tick(60_000);
      assert.equal(response.written.length, 2);
      const left = open();
      left.response.emit('close');
      mock.timers.tick(60_000);
      assert.deepEqual(left.response.written, []);
    } finally {
      mock.timers.reset();
    }
  });
});
