import { pino } from 'pino';
import { ConfigError, loadConfig } from './config.js';
import { StoreError } from './releases/journal.js';
import { startServer } from './start.js';

/**
 * Process entry. Exit codes: 0 after SIGTERM or SIGINT, 1 when the model cannot be loaded, the address not used or the store is damaged,
 * 2 when the environment is wrong. A second signal ends the process at once.
 */
async function main(): Promise<void> {
  const config = loadConfig();
  const logger = pino({ level: config.logLevel, base: { pid: process.pid } });
  const starting = startServer({ config, logger });

  // Before anything is said to the outside: whoever reads that the server listens may send a signal at once.
  let signals = 0;
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    signals += 1;
    if (signals > 1) process.exit(130);
    logger.info({ signal }, 'draining');
    const server = await starting;
    await server.close();
    logger.info('stopped');
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));

  const server = await starting.catch((error: unknown) => {
    const message = error instanceof StoreError ? 'the store is damaged' : 'cannot listen';
    logger.fatal({ err: error, host: config.host, port: config.port }, message);
    process.exit(1);
  });
  const { modelDir, agentsDir, workers, threads } = config;
  logger.info({ url: server.url, adminUrl: server.adminUrl, modelDir, workers, threads }, 'listening');
  try {
    await server.ready;
    logger.info({ url: server.url }, 'ready');
  } catch (error) {
    if (signals > 0) return;
    logger.fatal({ err: error, modelDir, agentsDir }, 'cannot load the model');
    await server.close();
    process.exit(1);
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : String(error)}\n`);
  process.exit(2);
}
