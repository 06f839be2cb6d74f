import type { PipelineEvent, Stage, Timings } from './types.js';

/** Adds up the time of each stage and reports its beginning and end. */
export class Stopwatch {
  private readonly started = performance.now();
  private readonly spentMs: Record<Stage, number> = { retrieval: 0, encode: 0, analysis: 0, code: 0, ranking: 0 };

  constructor(private readonly onEvent: (event: PipelineEvent) => void) {}

  /** Runs a part of a stage; a stage may have several. Its time counts also when it throws. */
  async measure<T>(stage: Stage, work: () => T | Promise<T>): Promise<T> {
    const from = performance.now();
    this.onEvent({ type: 'stage_started', stage });
    try {
      return await work();
    } finally {
      const ms = performance.now() - from;
      this.spentMs[stage] += ms;
      this.onEvent({ type: 'stage_finished', stage, ms });
    }
  }

  get timings(): Timings {
    return { ...this.spentMs, total: performance.now() - this.started };
  }
}
