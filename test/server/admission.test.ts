// Proves: the queue is bounded and fair, refuses at once when full, and forgets whoever leaves.
import { strict as assert } from 'node:assert';
import { Admission, type AdmissionOptions } from '../../server/admission.js';
import { ClientGoneError } from '../../server/errors.js';

const never = new AbortController().signal;

function admission(options: Partial<AdmissionOptions> = {}): Admission {
  return new Admission({ capacity: 1, maxWaiting: 2, maxWaitMs: 60_000, ...options });
}

describe('admission', () => {
  it('gives slots up to its capacity, then in order of arrival', async () => {
    const queue = admission({ capacity: 2 });
    const [first, second] = [await queue.acquire(never), await queue.acquire(never)];
    const order: string[] = [];
    const third = queue.acquire(never).then((slot) => (order.push('third'), slot));
    const fourth = queue.acquire(never).then((slot) => (order.push('fourth'), slot));
    assert.deepEqual([queue.running, queue.waiting], [2, 2]);
    second.release();
    (await third).release();
    await fourth;
    first.release();
    assert.deepEqual(order, ['third', 'fourth']);
    assert.deepEqual([queue.running, queue.waiting], [1, 0]);
  });

  it('refuses one more than may wait, with a time that grows with the load', async () => {
    let now = 0;
    const queue = admission({ now: () => now });
    const slot = await queue.acquire(never);
    now = 30_000;
    slot.release();
    await queue.acquire(never);
    void queue.acquire(never);
    void queue.acquire(never);
    await assert.rejects(queue.acquire(never), (error: { code: string; retryAfterSeconds: number }) => {
      assert.equal(error.code, 'overloaded');
      // 0.8 · 2 s + 0.2 · 30 s for each of three requests.
      assert.equal(error.retryAfterSeconds, 23);
      return true;
    });
  });

  it('takes nothing into a queue of length 0', async () => {
    const queue = admission({ maxWaiting: 0 });
    const slot = await queue.acquire(never);
    await assert.rejects(queue.acquire(never), { code: 'overloaded' });
    slot.release();
    await queue.acquire(never);
  });

  it('tells how long was waited', async () => {
    let now = 0;
    const queue = admission({ now: () => now });
    const slot = await queue.acquire(never);
    assert.equal(slot.waitedMs, 0);
    const waiting = queue.acquire(never);
    now = 250;
    slot.release();
    assert.equal((await waiting).waitedMs, 250);
  });

  it('ends a wait that is too long, and frees the place', async () => {
    const queue = admission({ maxWaitMs: 1 });
    await queue.acquire(never);
    await assert.rejects(queue.acquire(never), { code: 'queue_timeout' });
    assert.equal(queue.waiting, 0);
  });

  it('forgets a waiter whose client leaves', async () => {
    const queue = admission();
    const slot = await queue.acquire(never);
    const leave = new AbortController();
    const left = assert.rejects(queue.acquire(leave.signal), ClientGoneError);
    const next = queue.acquire(never);
    leave.abort();
    await left;
    slot.release();
    await next;
    await assert.rejects(queue.acquire(leave.signal), ClientGoneError);
  });

  it('frees a slot once, however often it is released', async () => {
    const queue = admission();
    const slot = await queue.acquire(never);
    slot.release();
    slot.release();
    assert.equal(queue.running, 0);
  });

  it('closes: refuses new and waiting ones, waits for the running one', async () => {
    const counts: object[] = [];
    const queue = admission({ onChange: (now) => counts.push(now) });
    const slot = await queue.acquire(never);
    const waiting = assert.rejects(queue.acquire(never), { code: 'shutting_down' });
    let idle = false;
    const closed = queue.close().then(() => (idle = true));
    await waiting;
    await assert.rejects(queue.acquire(never), { code: 'shutting_down' });
    assert.equal(idle, false);
    slot.release();
    await closed;
    assert.deepEqual(counts.at(-1), { running: 0, waiting: 0 });
    await queue.close();
  });
});
