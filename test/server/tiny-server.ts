import { pino } from 'pino';
import { loadConfig } from '../../server/config.js';
import { startServer, type RunningServer } from '../../server/start.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';

/** A server in this process with real workers on the tiny model; its log lines are collected in `log`. */
export async function startTinyServer(
  environment: NodeJS.ProcessEnv = {},
): Promise<RunningServer & { readonly log: readonly Record<string, unknown>[] }> {
  const log: Record<string, unknown>[] = [];
  const config = loadConfig({
    PORT: '0',
    MODEL_DIR: TINY_DIRECTORY,
    AGENTS_DIR: TINY_DIRECTORY,
    ABSTAIN_BELOW: '0',
    THREADS: '1',
    ...environment,
  });
  const logger = pino(
    { base: null, level: 'trace' },
    { write: (line) => log.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const server = await startServer({ config, logger });
  await server.ready;
  return { ...server, log };
}

/** Asks /metrics again and again until a series has a value. */
export async function untilMetric(url: string, series: string, value: number): Promise<void> {
  for (;;) {
    const text = await (await fetch(`${url}/metrics`)).text();
    if (text.split('\n').includes(`${series} ${value}`)) return;
  }
}
