import { strict as assert } from 'node:assert';
import type { Releases } from './admin-client.js';
import type { SwapServer } from './swap-server.js';

/**
 * Kills the server at a moment of a publish of the other of two generations and starts it again. Asserts that it serves the release
 * before or the new one – the new one if it had said so – and that the canary is still there. Says which.
 */
export async function killRound(
  server: SwapServer,
  pair: readonly string[],
  moment: () => Promise<unknown>,
): Promise<'old' | 'new'> {
  const old = await server.admin.releases();
  const next = pair.find((generation) => generation !== old.stable.code_generation)!;
  const outcome = server.admin
    .send('/v1/releases', { code_generation: next, expected_release: old.stable.id })
    .then((response) => response.json() as Promise<Partial<Releases>>)
    .catch(() => undefined);
  await moment();
  await server.kill();
  const published = (await outcome)?.stable;
  await server.start();
  const now = await server.admin.releases();
  const isNew = now.stable.code_generation === next;
  assert.ok(isNew || now.stable.id === old.stable.id, 'neither the old nor the new release');
  if (published) assert.equal(now.stable.id, published.id);
  assert.deepEqual(now.canary, old.canary);
  const { release } = await server.ask();
  assert.ok([now.stable.id, now.canary?.release.id].includes(release.id));
  return isNew ? 'new' : 'old';
}
