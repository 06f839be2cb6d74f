// Proves: every status that openapi.yaml documents for an operation is sent, with a documented type and a body of its schema.
import { strict as assert } from 'node:assert';
import { checkResponse, documentedStatuses } from './response-check.js';
import { StatusServers } from './status-servers.js';
import { everywhere, openFull, particular, type Scenes } from './status-table.js';

/** What is made once, at the first call. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

describe('documented statuses', () => {
  let servers: StatusServers;
  let scenes: Scenes;
  before(async () => {
    servers = await StatusServers.open();
    scenes = {
      servers,
      whole: once(async () => (await servers.tiny({ AGENTS_DIR: servers.folder })).url),
      full: once(() => openFull(servers)),
      loading: once(async () => (await servers.loading()).url),
    };
    // Its agents are those of the whole server, too.
    await scenes.full();
  });
  after(() => servers.close());

  it('are there', () => {
    assert.ok(documentedStatuses.length > 140, `${documentedStatuses.length} statuses`);
    const operations = new Set(documentedStatuses.map(({ operationId }) => operationId));
    for (const operationId of Object.keys(particular)) assert.ok(operations.has(operationId), operationId);
  });

  for (const documented of documentedStatuses) {
    const { operationId, status } = documented;
    it(`${operationId} ${status}`, async () => {
      const produce = particular[operationId]?.[status] ?? everywhere[status];
      assert.ok(produce, `the table has no way to ${status} of ${operationId}`);
      await checkResponse(documented, await produce(documented, scenes));
    });
  }
});
