import { SingleBar } from 'cli-progress';

/** Tells how far a long run is. */
export interface Progress {
  /** One more of the announced items is done. */
  tick(): void;
  stop(): void;
}

/** Lines are printed when this share of the work is done, and then again. */
const LINES = 10;

/** A bar on a terminal; elsewhere some ten plain lines. */
export function startProgress(stream: NodeJS.WriteStream, title: string, total: number): Progress {
  if (stream.isTTY) {
    const bar = new SingleBar({
      stream,
      format: `${title} {bar} {value}/{total} ({eta_formatted} left)`,
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
    });
    bar.start(total, 0);
    return {
      tick: () => {
        bar.increment();
      },
      stop: () => {
        bar.stop();
      },
    };
  }
  let done = 0;
  return {
    tick: () => {
      done++;
      if (Math.floor((done * LINES) / total) > Math.floor(((done - 1) * LINES) / total)) {
        stream.write(`${title}: ${done} of ${total}\n`);
      }
    },
    stop: () => undefined,
  };
}
