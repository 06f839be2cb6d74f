import type { ChainRequest, CompletionRequest, PatchRequest, PipelineEvent } from '../../pipeline/types.js';
import type { AgentPayload, ChainResult, CompletionResult, EngineInfo, InferenceResult, Release } from './messages.js';

/** What a run may be given besides the request. */
export interface RunOptions {
  /** Stops the run; `run` then rejects with the signal's reason once the worker is free again. */
  readonly signal: AbortSignal;
  /** The pair of agents that answers, held by the workers; without it the pair they were started with. */
  readonly release?: Release;
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
  /** The agents that the workers are given, by generation. */
  readonly held: ReadonlyMap<string, AgentPayload>;
  /** Computes one request; call it no more often at a time than there are workers. Rejects with AppError `inference_crashed` or `internal_error`. */
  run(request: PatchRequest, options: RunOptions): Promise<InferenceResult>;
  /** Continues a text, with the same rules as `run`. Rejects also with AppError `context_length_exceeded`. */
  complete(request: CompletionRequest, options: RunOptions): Promise<CompletionResult>;
  /** Answers a prompt by a chain, with the same rules as `complete`. */
  runChain(request: ChainRequest, options: RunOptions): Promise<ChainResult>;
  /** Gives agents to every worker, also to those that are started later. Nothing waits for it: messages keep their order. */
  addAgents(agents: readonly AgentPayload[]): void;
  /** Makes a release, held by the workers, the one that `info` names and that a restarted worker begins with. */
  serve(release: Release): void;
  /** Lets every worker forget generations that no running or later request names. */
  dropAgents(generations: readonly string[]): void;
  /** Stops everything; runs that are not finished are rejected. */
  close(): Promise<void>;
}
