// Proves: a running server keeps to openapi.yaml whatever Schemathesis makes of it. `npm run contract` sends more.
import { strict as assert } from 'node:assert';
import { isInstalled } from '../helpers/installed.js';
import { ContractServer } from './contract-server.js';
import { schemathesis } from './schemathesis.js';

describe('Schemathesis', () => {
  it('finds nothing against a running server', async function () {
    // A thousand requests one after the other, on a machine that has other things to do.
    this.timeout(600_000);
    if (!isInstalled('schemathesis')) this.skip();
    const server = await ContractServer.open();
    try {
      const { code, output } = await schemathesis(server, { examples: 3, seed: 1 });
      assert.equal(code, 0, output);
      // One that reached nothing would find nothing.
      assert.match(output, /\d{3,} generated, \d{3,} passed/);
    } finally {
      await server.close();
    }
  });
});
