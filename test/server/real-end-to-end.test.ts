// Proves: the server does its work with the weights that are shipped.
import { strict as assert } from 'node:assert';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { caseNames, loadCase } from '../../cli/cases.js';
import { loadConfig } from '../../server/config.js';
import { itServes, postChecked } from './end-to-end.js';
import { ServerProcess } from './server-process.js';

const { modelDir, agentsDir } = loadConfig({});

describe('server process, shipped model', function () {
  this.timeout(600_000);
  let server: ServerProcess;

  before(async function () {
    const needed = [
      join(modelDir, 'config.json'),
      ...['issue-analysis', 'code-generation'].map((name) => join(agentsDir, `${name}.safetensors`)),
    ];
    const missing = needed.filter((file) => !existsSync(file));
    if (missing.length > 0) {
      console.log(`    skipped: ${missing.join(', ')} missing`);
      this.skip();
    }
    server = new ServerProcess({ MODEL_DIR: modelDir, AGENTS_DIR: agentsDir });
    await server.logged('ready');
  });
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- not started when skipped
  after(() => server?.stop('SIGKILL'));

  itServes(() => server);

  it('proposes a patch that applies for most cases', async () => {
    const names = await caseNames();
    let applying = 0;
    for (const name of names) {
      const { issue, files } = await loadCase(name);
      const { patches } = await postChecked(server, { issue, files, n: 3 });
      if (patches.some((patch) => patch.status === 'applies')) applying += 1;
    }
    assert.ok(applying >= names.length * 0.75, `${applying} of ${names.length}`);
  });
});
