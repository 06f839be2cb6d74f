import { SingleBar } from 'cli-progress';
import type { PipelineEvent, Stage } from '../pipeline/types.js';

/** Shows how far the work is. */
export interface Progress {
  readonly onEvent: (event: PipelineEvent) => void;
  /** Says what is being done before the first event. */
  doing(what: string): void;
  stop(): void;
}

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
  const bar = new SingleBar({
    stream,
    format: '{bar} {doing}',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
    noTTYOutput: false,
  });
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
