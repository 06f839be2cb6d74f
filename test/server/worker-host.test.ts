// Proves: requests run in worker threads, can be stopped even when the thread is deaf, and a worker that dies takes only
// its own request with it.
import { strict as assert } from 'node:assert';
import type { PatchRequest, PipelineEvent } from '../../pipeline/types.js';
import { AppError } from '../../server/errors.js';
import { WorkerHost, type WorkerHostOptions } from '../../server/inference/worker-host.js';

const workerFile = new URL('fake-worker.js', import.meta.url);

function request(title: string): PatchRequest {
  return { issue: { title, body: '' }, files: [] };
}

describe('worker host', () => {
  let host: WorkerHost;
  const start = (options: Partial<WorkerHostOptions> = {}): WorkerHost => {
    host = new WorkerHost({
      modelDir: 'fake',
      agents: { 'issue-analysis': 'a', 'code-generation': 'c' },
      workers: 1,
      threads: 1,
      workerFile,
      ...options,
    });
    return host;
  };
  const run = (title: string, signal = new AbortController().signal): ReturnType<WorkerHost['run']> =>
    host.run(request(title), { signal });
  afterEach(() => host.close());

  it('is loading, then ready with the engine’s description, then closed', async () => {
    start();
    assert.equal(host.state, 'loading');
    const info = await host.started();
    assert.equal(host.state, 'ready');
    assert.equal(info.model.name, 'fake');
    assert.deepEqual(host.info, info);
    await host.close();
    assert.equal(host.state, 'closed');
    await assert.rejects(run('x'), { code: 'shutting_down' });
  });

  it('answers, with progress when asked for', async () => {
    start();
    const events: PipelineEvent[] = [];
    const { result, release } = await host.run(request('x'), {
      signal: new AbortController().signal,
      onEvent: (event) => events.push(event),
    });
    assert.equal(result.status, 'abstained');
    assert.deepEqual(release, { id: 'r', issue_analysis: 'a', code_generation: 'c' });
    assert.deepEqual(events, [{ type: 'stage_started', stage: 'encode' }]);
  });

  it('computes as many at a time as there are workers, the next when one is free', async () => {
    start({ workers: 2 });
    const stop = new AbortController();
    const waiting = [run('wait', stop.signal), run('wait', stop.signal)];
    const third = run('x');
    stop.abort(new Error('Enough.'));
    for (const outcome of waiting) await assert.rejects(outcome, /Enough/);
    assert.equal((await third).result.status, 'abstained');
  });

  it('says that the first start failed, and does not try again', async () => {
    start({ modelDir: 'broken' });
    await assert.rejects(host.started(), /No model here/);
    assert.equal(host.state, 'loading');
  });

  for (const title of ['crash', 'exit']) {
    it(`restarts a worker that dies (${title}); only its own request fails`, async () => {
      const restarts: Error[] = [];
      start({ onRestart: (error) => restarts.push(error) });
      await host.started();
      await assert.rejects(run(title), (error: AppError) => error.code === 'inference_crashed');
      assert.equal(host.state, 'restarting');
      assert.equal((await run('x')).result.status, 'abstained');
      assert.equal(host.state, 'ready');
      assert.equal(restarts.length, 1);
    });
  }

  it('passes a failure on with its cause and keeps the worker', async () => {
    start({ onRestart: () => assert.fail() });
    await assert.rejects(run('fail'), (error: AppError) => {
      assert.equal(error.code, 'internal_error');
      assert.equal((error.cause as Error).message, 'Something odd.');
      return true;
    });
    await run('x');
  });

  for (const title of ['wait', 'block']) {
    it(`stops a run (${title}) with the signal’s reason`, async () => {
      start({ onRestart: () => assert.fail() });
      await host.started();
      const stop = new AbortController();
      const outcome = run(title, stop.signal);
      stop.abort(new AppError('deadline_exceeded', 'Late.'));
      await assert.rejects(outcome, { code: 'deadline_exceeded' });
      await run('x');
    });
  }

  it('ends a worker that does not stop, and goes on with a new one', async () => {
    start({ stopGraceMs: 5 });
    await host.started();
    const stop = new AbortController();
    const outcome = run('stuck', stop.signal);
    stop.abort(new Error('Enough.'));
    await assert.rejects(outcome, /Enough/);
    await run('x');
  });

  it('does not start a run whose signal has fired, nor waits for one', async () => {
    start();
    await host.started();
    await assert.rejects(run('x', AbortSignal.abort(new Error('Before.'))), /Before/);
    const stop = new AbortController();
    const first = run('wait', stop.signal);
    const leave = new AbortController();
    const second = run('x', leave.signal);
    leave.abort(new Error('Left.'));
    await assert.rejects(second, /Left/);
    stop.abort(new Error('Enough.'));
    await assert.rejects(first, /Enough/);
    await run('x');
  });

  it('closes while a run is deaf', async () => {
    start({ stopGraceMs: 5 });
    await host.started();
    const outcome = assert.rejects(run('stuck'), { code: 'inference_crashed' });
    await host.close();
    await outcome;
  });
});
