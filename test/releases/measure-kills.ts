/** `node dist/test/releases/measure-kills.js 100`: kill -9 at that many random moments of publishing, on the tiny model. Prints JSON; each round to stderr. */
import { setTimeout as delay } from 'node:timers/promises';
import { killRound } from './kill-round.js';
import { SwapServer } from './swap-server.js';

const count = Number(process.argv[2] ?? 100);
const server = await SwapServer.open();
try {
  const pair = [await server.stored('code-generation', 1), await server.stored('code-generation', 2)];
  await server.kill();
  await server.start();
  // A publish after a start, checks included, takes this long: the moments lie within it and a little behind.
  const { stable } = await server.admin.releases();
  const started = performance.now();
  await server.admin.change('/v1/releases', { code_generation: pair[0], expected_release: stable.id });
  const publishMs = performance.now() - started;
  await server.kill();
  await server.start();
  const outcomes = { old: 0, new: 0 };
  for (let round = 0; round < count; round++) {
    outcomes[await killRound(server, pair, () => delay(Math.random() * 1.2 * publishMs))] += 1;
    process.stderr.write(`${round + 1} of ${count}: ${JSON.stringify(outcomes)}\n`);
  }
  process.stdout.write(`${JSON.stringify({ kills: count, publishMs, ...outcomes, neither: 0 })}\n`);
} finally {
  await server.close();
}
