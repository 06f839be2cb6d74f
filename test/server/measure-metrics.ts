/**
 * How long /metrics takes while 8 clients ask for patches for 60 s: `npm run build && node dist/test/server/measure-metrics.js`,
 * on the tiny model; with `model/artifacts adapters/files` as arguments on the real weights. Prints the medians of both, their ratio,
 * and the number of series. Fails when the counters are not what was sent.
 */
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { body } from './helpers.js';
import { ServerProcess } from './server-process.js';

const CLIENTS = 8;
const SECONDS = 60;
const SCRAPE_PAUSE_MS = 500;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

const [modelDir = TINY_DIRECTORY, agentsDir = TINY_DIRECTORY] = process.argv.slice(2);
const server = new ServerProcess({
  MODEL_DIR: modelDir,
  AGENTS_DIR: agentsDir,
  ABSTAIN_BELOW: '0',
  THREADS: '1',
  LOG_LEVEL: 'info',
  // All of them wait in turn, on a slow machine as well.
  QUEUE_TIMEOUT_MS: '600000',
  REQUEST_TIMEOUT_MS: '600000',
});
await server.logged('ready');
const end = performance.now() + 1000 * SECONDS;
const requestMs: number[] = [];
const scrapeMs: number[] = [];

async function timed(into: number[], ask: () => Promise<Response>): Promise<string> {
  const started = performance.now();
  const response = await ask();
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  into.push(performance.now() - started);
  return text;
}

await Promise.all([
  ...Array.from({ length: CLIENTS }, async (_, client) => {
    for (let turn = client; performance.now() < end; turn++) {
      await timed(requestMs, () => server.post({ ...body, seed: turn, max_new_tokens: 64 }));
    }
  }),
  (async () => {
    while (performance.now() < end) {
      await timed(scrapeMs, () => fetch(`${server.url}/metrics`));
      await new Promise((resolve) => setTimeout(resolve, SCRAPE_PAUSE_MS));
    }
  })(),
]);
const text = await timed([], () => fetch(`${server.url}/metrics`));
await server.stop();
const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const own = series.filter((line) => /^(?:agentic|http)_/.test(line)).length;
const counted = Number(
  /^http_requests_total\{method="POST",path="\/v1\/patches",status="200"\} (\d+)$/m.exec(text)?.[1],
);
if (counted !== requestMs.length) throw new Error(`${requestMs.length} requests were sent, ${counted} counted.`);
console.log(
  `${requestMs.length} requests (counted: ${counted}), median ${median(requestMs).toFixed(1)} ms; ` +
    `${scrapeMs.length} scrapes, median ${median(scrapeMs).toFixed(1)} ms (${((100 * median(scrapeMs)) / median(requestMs)).toFixed(1)} %); ` +
    `${own} own series of ${series.length}, ${Math.round(text.length / 1024)} KiB`,
);
