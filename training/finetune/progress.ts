import { SingleBar } from 'cli-progress';
import type { StepReport, ValidReport } from './run-state.js';

/** Shows how far a run is. */
export interface RunProgress {
  read(done: number, total: number): void;
  encoded(done: number, total: number): void;
  ownAnalysis(done: number, total: number): void;
  lift(done: number, total: number): void;
  generated(done: number, total: number): void;
  report(report: StepReport | ValidReport): void;
  stop(): void;
}

/** A bar on a terminal; elsewhere a JSON line for every report and for each tenth of the reading and the encoding. */
export function startRunProgress(stream: NodeJS.WriteStream): RunProgress {
  return stream.isTTY ? barProgress(stream) : lineProgress(stream);
}

function lineProgress(stream: NodeJS.WriteStream): RunProgress {
  const tell = (what: string, done: number, total: number): void => {
    const tenth = Math.max(1, Math.ceil(total / 10));
    if (done % tenth === 0 || done === total) stream.write(`${JSON.stringify({ [what]: done, of: total })}\n`);
  };
  return {
    read(done, total) {
      tell('read_rows', done, total);
    },
    encoded(done, total) {
      tell('encoded_rows', done, total);
    },
    ownAnalysis(done, total) {
      tell('written_analyses', done, total);
    },
    lift(done, total) {
      tell('analysed_rows', done, total);
    },
    generated(done, total) {
      tell('asked_rows', done, total);
    },
    report(report) {
      stream.write(`${JSON.stringify(report)}\n`);
    },
    stop: () => undefined,
  };
}

function barProgress(stream: NodeJS.WriteStream): RunProgress {
  const bar = new SingleBar({
    stream,
    format: '{phase} {bar} {value}/{total} {figures} ({eta_formatted} left)',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: false,
  });
  let phase = '';
  let valid = '';
  const show = (name: string, value: number, total: number, figures: string): void => {
    if (phase !== name) {
      if (phase !== '') bar.stop();
      phase = name;
      bar.start(total, value, { phase, figures });
    } else {
      bar.update(value, { phase, figures });
    }
  };
  return {
    read(done, total) {
      show('reading', done, total, '');
    },
    encoded(done, total) {
      show('encoding', done, total, '');
    },
    ownAnalysis(done, total) {
      show('writing analyses', done, total, '');
    },
    lift(done, total) {
      show('pipeline lift', done, total, '');
    },
    generated(done, total) {
      show('asking for patches', done, total, '');
    },
    report(report) {
      if ('valid_loss' in report) {
        valid = `valid ${report.valid_loss.toFixed(3)}${report.best ? ' (best)' : ''}`;
        return;
      }
      const { agent, step, total_steps, train_loss, train_mean_token_accuracy, sequences_per_second } = report;
      const accuracy = `${(100 * train_mean_token_accuracy).toFixed(1)} %`;
      show(
        'training',
        step,
        total_steps,
        `${agent} loss ${train_loss.toFixed(3)} accuracy ${accuracy} ${valid} ${sequences_per_second.toFixed(1)} sequences/s`,
      );
    },
    stop() {
      if (phase !== '') bar.stop();
    },
  };
}
