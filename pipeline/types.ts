/** What goes into the pipeline and what comes out. Plain data: everything here survives `structuredClone`. */
import type { AgentName, TextChainName } from '../agents/names.js';

import { RANKING_WEIGHTS } from './ranking-weights.js';

/** One file of the request. A string is taken as the exact text (line endings and byte order mark included). */
export interface RequestFile {
  /** Repository-relative, `/` as separator. */
  readonly path: string;
  readonly content: string | Uint8Array;
}

/** An issue and the code it is about. */
export interface PatchRequest {
  readonly issue: { readonly title: string; readonly body: string };
  readonly files: readonly RequestFile[];
  /** Patches wanted, best first. Default 1. */
  readonly n?: number;
  /** Same seed, same request, same release: same answer. Default 0. */
  readonly seed?: number;
  /** 0 (default) is greedy; above it the free choices of the candidates are sampled. */
  readonly temperature?: number;
  /** Upper bound for the tokens of one patch. Default and maximum: `PipelineOptions.maxPatchTokens`. */
  readonly max_new_tokens?: number;
  /** When so many milliseconds are over, the best so far is answered. Default: as long as it takes. */
  readonly max_time_ms?: number;
  /** Patches that score less are not proposed, 0 to 1. Default: what `PipelineOptions` say. */
  readonly min_score?: number;
}

export type PatchStatus = 'applies' | 'syntax_error' | 'abstained';

/** What the analysis agent says about the issue. */
export interface Analysis {
  readonly problem: string;
  /** One of the closed list of the model's `fault_types`. */
  readonly fault_type: string;
  /** `basename::scope`, scope `<module>` outside of any definition. */
  readonly fault_location: string;
  /** The suspected line, stripped; empty if there is none. */
  readonly line: string;
  /** A short plan of the edit. */
  readonly hint: string;
  /** 0 to 1: geometric mean of the probabilities of the agent's free choices. */
  readonly confidence: number;
}

/** One reason for (positive) or against (negative) a candidate; the score is their sum, squashed to 0…1. */
export interface Reason {
  readonly name:
    | 'patch_likelihood'
    | 'analysis_likelihood'
    | 'retrieval'
    | 'syntax'
    | 'agreement'
    | 'size'
    | 'novelty'
    | 'substance'
    | 'names'
    | 'repeats'
    | 'calibration';
  /** Contribution to the log-odds of the score. */
  readonly weight: number;
  /** One short sentence for people. */
  readonly detail: string;
}

/** One proposed patch. */
export interface ProposedPatch {
  /** Unified diff in git's format; passes `git apply --check` on the files of the request. */
  readonly diff: string;
  /** 0 to 1, comparable between the patches of one release. */
  readonly score: number;
  readonly status: 'applies' | 'syntax_error';
  /** Changed paths. */
  readonly files: readonly string[];
  /** The analysis this patch was written for. */
  readonly analysis: Analysis;
  readonly reasons: readonly Reason[];
}

/** A stretch of a file as the encoder sees it. Line numbers are 1-based, both ends included. */
export interface WindowSummary {
  readonly path: string;
  readonly first_line: number;
  readonly last_line: number;
  /** Retrieval score; only the order within one request means something. */
  readonly score: number;
}

export type Stage = 'retrieval' | 'encode' | 'analysis' | 'code' | 'ranking';

export interface Usage {
  /** Tokens read by the encoder, all windows together. */
  readonly source_tokens: number;
  /** Tokens of all analyses, forced ones included. */
  readonly analysis_tokens: number;
  /** Tokens of all candidate patches, forced ones included. */
  readonly patch_tokens: number;
  /** Those of the two above that the constraints left no choice about. */
  readonly forced_tokens: number;
  readonly windows: number;
  readonly hypotheses: number;
  readonly candidates: number;
  /** `time`: `max_time_ms` ended the search before it was complete. */
  readonly finish_reason: 'complete' | 'time';
}

/** Milliseconds spent in each stage, and in all. */
export type Timings = Readonly<Record<Stage | 'total', number>>;

/** How one agent worked on a request: for whoever runs the server, no part of the answer. */
export interface AgentMeasures {
  /** Milliseconds from the start of the request to the agent's first text on the best window; null if there was none. */
  readonly first_text_ms: number | null;
  /** Milliseconds between successive pieces of that text. */
  readonly gaps_ms: readonly number[];
  /** Mean log-probability of the tokens it chose, in nats; null if it chose none. */
  readonly mean_logprob: number | null;
  /** Mean opening of its router gates over tokens and layers, 0 to 1; null if the decoder did not run. */
  readonly gate_mean: number | null;
  /** Runs of the decoder graph, and the sequences in all their batches. */
  readonly runs: number;
  readonly sequences: number;
}

/** What is measured beside the answer. */
export interface Measures {
  readonly analysis: AgentMeasures;
  readonly code: AgentMeasures;
  /** Share of the words of the first patch's changed lines that its analysis names, 0 to 1; null without a patch or words. */
  readonly overlap: number | null;
}

/** The answer. `analysis` is null only when nothing could be analysed (no text file with lines in the request). */
export interface PatchResult {
  /** The first patch's status; `abstained` when no patch is proposed (`patches` is then empty). */
  readonly status: PatchStatus;
  /** Why nothing is proposed; absent unless `status` is `abstained`. */
  readonly abstained_because?: AbstentionReason;
  readonly analysis: Analysis | null;
  /** Best first, at most `n`, no two with the same effect. */
  readonly patches: readonly ProposedPatch[];
  readonly windows: readonly WindowSummary[];
  readonly usage: Usage;
  readonly timings: Timings;
}

export type AbstentionReason = 'nothing_to_edit' | 'no_candidate' | 'out_of_time' | 'low_confidence';

/** Progress, in the order it happens. */
export type PipelineEvent =
  | { readonly type: 'stage_started'; readonly stage: Stage }
  | { readonly type: 'stage_finished'; readonly stage: Stage; readonly ms: number }
  | { readonly type: 'windows'; readonly windows: readonly WindowSummary[] }
  /** Text of the first hypothesis or candidate as it grows (the others come whole), or of a completion. */
  | { readonly type: 'text'; readonly stage: 'analysis' | 'code' | 'completion'; readonly text: string }
  | { readonly type: 'analysis'; readonly analysis: Analysis; readonly window: WindowSummary }
  | { readonly type: 'candidate'; readonly patch: ProposedPatch };

/** A text for the bare decoder or one of the agents, see `complete`. */
export interface CompletionRequest {
  /** Null: the backbone without an agent. */
  readonly agent: AgentName | null;
  readonly prompt: string;
  /** Most tokens written. */
  readonly max_tokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly top_p: number;
  readonly seed: number;
  /** Strings that end the text; they are not part of it. */
  readonly stop: readonly string[];
}

/** The continuation of a text. */
export interface Completion {
  readonly text: string;
  /** `stop`: it came to an end; `length`: there was no room for more. */
  readonly finish: 'stop' | 'length';
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

/** A prompt for a chain of agents, see `runChain`. */
export interface ChainRequest {
  readonly chain: TextChainName;
  readonly prompt: string;
  /** Most tokens of the answer. */
  readonly max_tokens: number;
  /** Of the first try; 0 is greedy. Later tries are always sampled. */
  readonly temperature: number;
  readonly seed: number;
}

/** What a chain wrote. */
export interface ChainAnswer {
  /** The answer; null if no try passed. */
  readonly text: string | null;
  /** The prompt with the answer in its place; null if no try passed. */
  readonly program: string | null;
  /** The first agent's fields, in order; those of the last try if none passed. */
  readonly fields: readonly string[];
  /** Every text that was tried and why it did not pass, in order: the first agent's, then the answers. No two of one agent are the same. */
  readonly tries: readonly ChainTry[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

export interface ChainTry {
  readonly agent: AgentName;
  readonly text: string;
  /** Null if it passed. */
  readonly fault: string | null;
  /** Tokens written for it; lines that a repair kept are not counted again. */
  readonly tokens: number;
}

/** How much is tried, and when to be silent. One object, every field with a default (`DEFAULT_OPTIONS`). */
export interface PipelineOptions {
  /** Windows tried at most, the best by retrieval first. */
  readonly maxWindows: number;
  /** Further windows need at least this part of the best window's retrieval score. */
  readonly minWindowShare: number;
  /** Hypotheses on the best window when `n` is 1. */
  readonly hypothesesOnBestWindow: number;
  /** Hypotheses on each further window. */
  readonly hypothesesOnOtherWindows: number;
  /** More patches are asked for: hypotheses on the best window grow with half of `n` up to this. */
  readonly maxHypotheses: number;
  /** Beam over type, location and line. */
  readonly analysisBeamWidth: number;
  /** Batches of further patches on the best window at most, while there are fewer different ones than `n`. */
  readonly maxRounds: number;
  readonly maxProblemTokens: number;
  readonly maxHintTokens: number;
  readonly maxPatchTokens: number;
  readonly topP: number;
  /** A best score below this makes the answer `abstained`. */
  readonly abstainBelow: number;
  /** Patches after the first are left out below this part of the best score. */
  readonly keepAbove: number;
  /** Files above this many characters are not searched. */
  readonly maxFileCharacters: number;
}

export const DEFAULT_OPTIONS: PipelineOptions = Object.freeze({
  maxWindows: 3,
  minWindowShare: 0.3,
  hypothesesOnBestWindow: 3,
  hypothesesOnOtherWindows: 1,
  maxHypotheses: 8,
  analysisBeamWidth: 6,
  maxRounds: 3,
  maxProblemTokens: 48,
  maxHintTokens: 60,
  maxPatchTokens: 320,
  topP: 0.95,
  abstainBelow: RANKING_WEIGHTS.abstain_below,
  keepAbove: 0.1,
  maxFileCharacters: 4_000_000,
});
