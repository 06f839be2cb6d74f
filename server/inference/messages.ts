/** What main thread and inference worker say to each other. Plain data, so that it survives `postMessage`. */
import type { PatchRequest, PatchResult, PipelineEvent, PipelineOptions } from '../../pipeline/types.js';

/** The pair of agents that is served; each generation is the SHA-256 of an agent's contents. */
export interface Release {
  readonly issue_analysis: string;
  readonly code_generation: string;
}

/** What a loaded engine says about itself. */
export interface EngineInfo {
  readonly model: { readonly name: string; readonly fingerprint: string };
  readonly release: Release;
}

/** An answer with the release that made it. */
export interface InferenceResult {
  readonly result: PatchResult;
  readonly release: Release;
}

/** Handed to the worker at its start. */
export interface WorkerSettings {
  readonly modelDir: string;
  readonly agentsDir: string;
  /** Threads of one graph run. */
  readonly threads: number;
  readonly options: Partial<PipelineOptions>;
  /** One Int32: not 0 when the current request is to stop. Read between steps, where no message could get in. */
  readonly stopFlag: SharedArrayBuffer;
}

export type ToWorker =
  | { readonly type: 'run'; readonly id: number; readonly request: PatchRequest; readonly events: boolean }
  | { readonly type: 'stop'; readonly id: number }
  | { readonly type: 'close' };

export type FromWorker =
  | { readonly type: 'ready'; readonly info: EngineInfo }
  | { readonly type: 'event'; readonly id: number; readonly event: PipelineEvent }
  | { readonly type: 'result'; readonly id: number; readonly value: InferenceResult }
  /** The request ended without an answer; the worker is fine and free. */
  | { readonly type: 'stopped'; readonly id: number }
  | { readonly type: 'failed'; readonly id: number; readonly message: string; readonly stack: string | undefined };
