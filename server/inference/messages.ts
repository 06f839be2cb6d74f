/** What main thread and inference worker say to each other. Plain data, so that it survives `postMessage`. */
import type { AgentField, AgentName, FieldOf, RequiredAgent } from '../../agents/names.js';
import type {
  ChainAnswer,
  ChainRequest,
  Completion,
  CompletionRequest,
  Measures,
  PatchRequest,
  PatchResult,
  PipelineEvent,
  PipelineOptions,
} from '../../pipeline/types.js';

/** Generations by agent: the SHA-256 (hex) of an agent's contents. Those of chains that are not served are missing. */
export type Generations = Readonly<Record<FieldOf<RequiredAgent>, string> & Partial<Record<AgentField, string>>>;

/** The agents that answer a request. Immutable: another agent makes another release. Its id is a SHA-256 (hex) over the generations. */
export type Release = { readonly id: string } & Generations;

/** The files of the agents loaded at the start. */
export type AgentFiles = Readonly<Record<RequiredAgent, string> & Partial<Record<AgentName, string>>>;

/** An agent's numbers on their way between threads: stacked tensors by name, each over shared memory, so that nothing is copied in between. */
export interface AgentPayload {
  readonly generation: string;
  readonly tensors: Readonly<Record<string, Float32Array>>;
}

/** What a file says about the agent in it. */
export interface AgentCard {
  readonly agent: AgentName;
  readonly generation: string;
  readonly parameters: number;
  readonly figures: Readonly<Record<string, unknown>>;
  readonly lineage: Readonly<Record<string, unknown>>;
}

/** What a loaded engine says about itself. */
export interface EngineInfo {
  readonly model: { readonly name: string; readonly fingerprint: string };
  readonly release: Release;
}

/** An answer with the release that made it. */
export interface InferenceResult {
  readonly result: PatchResult;
  readonly measures: Measures;
  readonly release: Release;
}

/** A completion with the release whose agent wrote it. */
export interface CompletionResult {
  readonly completion: Completion;
  readonly release: Release;
}

/** A chain's answer with the release whose agents wrote it. */
export interface ChainResult {
  readonly answer: ChainAnswer;
  readonly release: Release;
}

/** What a worker can be asked to compute. */
export type Task =
  | { readonly type: 'run'; readonly request: PatchRequest }
  | { readonly type: 'complete'; readonly request: CompletionRequest }
  | { readonly type: 'chain'; readonly request: ChainRequest };

/** Handed to the worker at its start. */
export interface WorkerSettings {
  readonly modelDir: string;
  /** Where the first release comes from: files, or, when a worker is started again, what the others hold. */
  readonly agents: AgentFiles | { readonly release: Release; readonly payloads: readonly AgentPayload[] };
  /** Threads of one graph run. */
  readonly threads: number;
  readonly options: Partial<PipelineOptions>;
  /** One Int32: not 0 when the current request is to stop. Read between steps, where no message could get in. */
  readonly stopFlag: SharedArrayBuffer;
}

export type ToWorker =
  | (Task & { readonly id: number; readonly events: boolean; readonly release: Release | undefined })
  /** Agents that requests may name from now on. */
  | { readonly type: 'add'; readonly agents: readonly AgentPayload[] }
  /** Generations that no request names any more. */
  | { readonly type: 'drop'; readonly generations: readonly string[] }
  | { readonly type: 'stop'; readonly id: number }
  | { readonly type: 'close' };

export type FromWorker =
  | { readonly type: 'ready'; readonly info: EngineInfo; readonly agents: readonly AgentPayload[] }
  | { readonly type: 'event'; readonly id: number; readonly event: PipelineEvent }
  | { readonly type: 'result'; readonly id: number; readonly value: InferenceResult | CompletionResult | ChainResult }
  /** The request ended without an answer; the worker is fine and free. */
  | { readonly type: 'stopped'; readonly id: number }
  | {
      readonly type: 'failed';
      readonly id: number;
      /** The model's word for it, if it has one. */
      readonly code?: string;
      readonly message: string;
      readonly stack: string | undefined;
    };

/** Main thread to the thread that checks agents: one file at a time. */
export interface CheckRequest {
  readonly id: number;
  readonly file: string;
  readonly maxBytes: number;
}

export type CheckReply =
  | { readonly type: 'ready' }
  | { readonly type: 'checked'; readonly id: number; readonly card: AgentCard; readonly payload: AgentPayload }
  | { readonly type: 'refused'; readonly id: number; readonly code: string | undefined; readonly message: string };

/** One agent's mean over all tokens of the held-out rows. */
export interface AgentScore {
  /** Nats per token. */
  readonly cross_entropy: number;
  /** Share of the tokens that the agent would have written. */
  readonly accuracy: number;
}

export type ReleaseScores = Readonly<Record<RequiredAgent, AgentScore>>;

/** Handed to the thread that scores one release on held-out rows; it answers with ReleaseScores and ends. */
export interface ProbeTask {
  readonly modelDir: string;
  readonly rowsFile: string;
  readonly release: Release;
  readonly payloads: readonly AgentPayload[];
}
