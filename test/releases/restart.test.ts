// Proves: what was published survives kill -9 with labels and weight, and a damaged store is reported.
import { strict as assert } from 'node:assert';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ServerProcess } from '../server/server-process.js';
import { killRound } from './kill-round.js';
import { SwapServer } from './swap-server.js';

describe('started again', () => {
  let server: SwapServer;
  before(async () => {
    server = await SwapServer.open();
  });
  after(() => server.close());

  it('kill -9 while publishing: the old or the new release, and the labels come back', async function () {
    this.timeout(300_000);
    const pair = [await server.stored('code-generation', 50), await server.stored('code-generation', 51)];
    await server.admin.change('/v1/releases', {
      issue_analysis: await server.stored('issue-analysis', 52),
      label: 'canary',
      weight: 0.25,
      expected_release: null,
    });
    for (let round = 0; round < 4; round++) {
      await killRound(server, pair, async () => {
        // The later the round, the further the change gets.
        for (let turns = 0; turns < round * 5; turns++) await fetch(`${server.process.url}/health`);
      });
    }
    assert.deepEqual(await readdir(join(server.folder, 'store', 'staging')), []);
  });

  it('a damaged store is reported, not served', async () => {
    await server.kill();
    const journal = join(server.folder, 'store', 'journal');
    const bytes = await readFile(journal);
    const damaged = Buffer.from(bytes);
    damaged[100]! ^= 1;
    await writeFile(journal, damaged);
    const broken = new ServerProcess(server.environment);
    const { err } = await broken.logged('the store is damaged');
    assert.match(err?.message ?? '', /line 1, is damaged/);
    assert.equal(await broken.exited, 1);
    // An unfinished last line is what a crash leaves.
    await writeFile(journal, Buffer.concat([bytes, Buffer.from('0123')]));
    await server.start();
  });
});
