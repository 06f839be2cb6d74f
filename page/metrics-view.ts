import { ask } from './api.js';
import { charts } from './charts.js';
import { byId } from './elements.js';
import { clearFailure, showFailure } from './failure.js';
import { readMetrics, type Reading } from './metrics-text.js';
import { Sparkline } from './sparkline.js';

const INTERVAL_MS = 5000;

/** The charts of /metrics, which are read while they are seen. */
export function mountMetrics(): { start(): void; stop(): void } {
  const lines = charts.map((chart) => new Sparkline(chart));
  const error = byId('metrics-error', HTMLElement);
  byId('charts', HTMLElement).append(...lines.map(({ element }) => element));
  let before: Reading | undefined;
  let timer = 0;

  const read = async (): Promise<void> => {
    if (document.hidden) return;
    try {
      const now = readMetrics(await (await ask('/metrics')).text());
      for (const line of lines) line.add(line.chart.value(now, before));
      before = now;
      clearFailure(error);
    } catch (thrown) {
      showFailure(error, thrown, 'stay');
    }
  };

  const stop = (): void => {
    clearInterval(timer);
  };
  return {
    start: () => {
      stop();
      timer = setInterval(() => void read(), INTERVAL_MS);
      void read();
    },
    stop,
  };
}
