import { SingleBar } from 'cli-progress';
import type { UnitWatcher } from './cache.js';

/** Shows how far an experiment is, and how long the rest will take. */
export interface ExperimentProgress extends UnitWatcher {
  /** Further units that will come. */
  plan(units: number): void;
  stop(): void;
}

/** Counts units; the time left is that of the units that were really done, so cached ones promise nothing. */
class Pace {
  total = 0;
  finished = 0;
  private worked = 0;
  private workedMs = 0;
  private beganAt = 0;

  began(): void {
    this.beganAt = performance.now();
  }

  done(cached: boolean): void {
    this.finished++;
    this.total = Math.max(this.total, this.finished);
    if (cached) return;
    this.worked++;
    this.workedMs += performance.now() - this.beganAt;
  }

  /** Seconds; undefined before the first unit that was worked on. */
  get secondsLeft(): number | undefined {
    return this.worked === 0
      ? undefined
      : Math.round((this.workedMs / this.worked / 1000) * (this.total - this.finished));
  }
}

/** A bar on a terminal, elsewhere a JSON line for each unit. */
export function startExperimentProgress(stream: NodeJS.WriteStream, experiment: string): ExperimentProgress {
  return stream.isTTY ? barProgress(stream, experiment) : lineProgress(stream, experiment);
}

function lineProgress(stream: NodeJS.WriteStream, experiment: string): ExperimentProgress {
  const pace = new Pace();
  return {
    plan(units) {
      pace.total += units;
    },
    began() {
      pace.began();
    },
    detail: () => undefined,
    done(unit, cached) {
      pace.done(cached);
      const { finished: done, total: of, secondsLeft: seconds_left } = pace;
      stream.write(`${JSON.stringify({ experiment, unit, cached, done, of, seconds_left })}\n`);
    },
    stop: () => undefined,
  };
}

function barProgress(stream: NodeJS.WriteStream, experiment: string): ExperimentProgress {
  const pace = new Pace();
  const bar = new SingleBar({
    stream,
    format: `${experiment} {bar} {value}/{total} {left} {unit} {detail}`,
    barsize: 24,
    hideCursor: true,
    clearOnComplete: false,
  });
  const shown = { unit: '', detail: '', left: '' };
  const show = (): void => {
    const seconds = pace.secondsLeft;
    shown.left = seconds === undefined ? '' : `(${Math.floor(seconds / 60)}m${seconds % 60}s left)`;
    bar.setTotal(pace.total);
    bar.update(pace.finished, shown);
  };
  bar.start(0, 0, shown);
  return {
    plan(units) {
      pace.total += units;
      show();
    },
    began(unit) {
      pace.began();
      Object.assign(shown, { unit, detail: '' });
      show();
    },
    detail(detail) {
      shown.detail = detail;
      show();
    },
    done(unit, cached) {
      pace.done(cached);
      shown.unit = unit;
      show();
    },
    stop() {
      bar.stop();
    },
  };
}
