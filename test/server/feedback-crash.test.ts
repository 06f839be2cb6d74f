// Proves: what a server said it keeps is there after kill -9, and a folder that cannot be understood stops the start.
import { strict as assert } from 'node:assert';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { body } from './helpers.js';
import { ServerProcess } from './server-process.js';

describe('feedback of a real server', () => {
  let folder: string;
  let server: ServerProcess;
  const start = (): ServerProcess =>
    new ServerProcess({
      MODEL_DIR: TINY_DIRECTORY,
      AGENTS_DIR: TINY_DIRECTORY,
      FEEDBACK_DIR: folder,
      ABSTAIN_BELOW: '0',
      THREADS: '1',
    });
  const judge = async (id: string): Promise<number> => {
    const response = await fetch(`${server.url}/v1/patches/${id}/feedback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"verdict": "rejected"}',
    });
    return response.status;
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'feedback-crash-'));
    server = start();
    await server.logged('ready');
  });
  after(async () => {
    await server.stop('SIGKILL');
    await rm(folder, { recursive: true });
  });

  it('survives kill -9: verdicts, and answers that have none yet', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 2; count++) {
      const response = await server.post({ ...body, max_new_tokens: 24 });
      ids.push(((await response.json()) as { id: string }).id);
    }
    assert.equal(await judge(ids[0]!), 200);
    await server.stop('SIGKILL');
    server = start();
    await server.logged('ready');
    assert.equal(await server.metric('agentic_feedback{verdict="rejected"}'), 1);
    assert.equal(await judge(ids[1]!), 200);
    assert.equal(await server.metric('agentic_feedback{verdict="rejected"}'), 2);
    assert.equal(await server.stop(), 0);
  });

  it('does not start on a damaged record', async () => {
    await writeFile(join(folder, 'x.json'), '{');
    server = start();
    await server.logged('the store is damaged');
    assert.equal(await server.exited, 1);
  });
});
