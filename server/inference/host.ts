import type { PatchRequest, PipelineEvent } from '../../pipeline/types.js';
import type { EngineInfo, InferenceResult } from './messages.js';

/** What a run may be given besides the request. */
export interface RunOptions {
  /** Stops the run; `run` then rejects with the signal's reason once the worker is free again. */
  readonly signal: AbortSignal;
  /** Progress; without it the worker sends none. */
  readonly onEvent?: (event: PipelineEvent) => void;
}

/** `loading` → `ready` ⇄ `restarting` (no worker can take a request at the moment) → `closed`. */
export type HostState = 'loading' | 'ready' | 'restarting' | 'closed';

/** Where requests are computed. The server knows nothing else about the model. */
export interface InferenceHost {
  readonly state: HostState;
  /** Undefined until the first worker is ready. */
  readonly info: EngineInfo | undefined;
  /** Computes one request; call it no more often at a time than there are workers. Rejects with AppError `inference_crashed` or `internal_error`. */
  run(request: PatchRequest, options: RunOptions): Promise<InferenceResult>;
  /** Stops everything; runs that are not finished are rejected. */
  close(): Promise<void>;
}
