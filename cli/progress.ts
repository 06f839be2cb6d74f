import { SingleBar } from 'cli-progress';
import type { PipelineEvent, Stage } from '../pipeline/types.js';

/** Shows how far the work is. */
export interface Progress {
  readonly onEvent: (event: PipelineEvent) => void;
  /** Says what is being done before the first event. */
  doing(what: string): void;
  stop(): void;
}

/** Shows how far the tests of patches are. */
export interface TestProgress {
  /** A patch, counted from 0, is being tested. */
  readonly testing: (index: number) => void;
  stop(): void;
}

const barStyle = { barsize: 24, hideCursor: true, clearOnComplete: true, stopOnComplete: false, noTTYOutput: false };

const labels: Record<Stage, string> = {
  retrieval: 'finding the place',
  encode: 'reading',
  analysis: 'analysing',
  code: 'writing patches',
  ranking: 'comparing',
};

/** Stages of one window: encode, analysis, code. */
const stagesPerWindow = 3;
/** Loading, retrieval and ranking. */
const otherSteps = 3;

/** A bar on a terminal; nothing anywhere else, so that logs stay clean. */
export function startProgress(stream: NodeJS.WriteStream, what: string): Progress {
  if (!stream.isTTY) return { onEvent: () => undefined, doing: () => undefined, stop: () => undefined };
  const bar = new SingleBar({ ...barStyle, stream, format: '{bar} {doing}' });
  bar.start(otherSteps + stagesPerWindow, 0, { doing: what });
  return {
    onEvent: (event) => {
      if (event.type === 'stage_started') {
        if (event.stage === 'retrieval') bar.increment(1);
        bar.update({ doing: labels[event.stage] });
      }
      if (event.type === 'stage_finished') bar.increment(1);
      if (event.type === 'windows') bar.setTotal(otherSteps + stagesPerWindow * Math.max(1, event.windows.length));
    },
    doing: (what) => {
      bar.update({ doing: what });
    },
    stop: () => {
      bar.stop();
    },
  };
}

/** Shows which of some tests is run; nothing but on a terminal. */
export function startTestProgress(stream: NodeJS.WriteStream, total: number): TestProgress {
  if (!stream.isTTY) return { testing: () => undefined, stop: () => undefined };
  const bar = new SingleBar({ ...barStyle, stream, format: '{bar} testing patch {patch} of {total}' });
  bar.start(total, 0, { patch: 1 });
  return {
    testing: (index) => {
      bar.update(index, { patch: index + 1 });
    },
    stop: () => {
      bar.stop();
    },
  };
}
