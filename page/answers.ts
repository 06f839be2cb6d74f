/** What the API answers, as far as the page shows it; openapi.yaml has all of it. */

export interface Settings {
  /** Whether the inference API asks for a key. */
  readonly api_key: boolean;
  readonly admin_api: 'here' | 'other_port' | 'off';
  /** Whether verdicts are kept. */
  readonly feedback: boolean;
  readonly limits: {
    readonly max_files: number;
    readonly max_file_bytes: number;
    readonly max_patches: number;
  };
}

export interface Analysis {
  readonly problem: string;
  readonly fault_type: string;
  readonly fault_location: string;
  readonly line: string;
  readonly hint: string;
  /** 0 to 1. */
  readonly confidence: number;
}

export interface ProposedPatch {
  readonly diff: string;
  /** 0 to 1. */
  readonly score: number;
  readonly status: 'applies' | 'syntax_error';
  readonly files: readonly string[];
  readonly reasons: readonly { readonly name: string; readonly weight: number; readonly detail: string }[];
}

export interface Answer {
  readonly id: string;
  readonly status: 'applies' | 'syntax_error' | 'abstained';
  readonly abstained_because?: 'nothing_to_edit' | 'no_candidate' | 'low_confidence';
  readonly analysis: Analysis | null;
  readonly patches: readonly ProposedPatch[];
  readonly release: Release;
  readonly usage: { readonly source_tokens: number; readonly analysis_tokens: number; readonly patch_tokens: number };
  /** Milliseconds. */
  readonly timings: { readonly total: number; readonly queue: number };
}

export type Verdict = 'accepted' | 'rejected' | 'corrected';

export interface Release {
  readonly id: string;
  readonly issue_analysis: string;
  readonly code_generation: string;
}

export type Label = 'stable' | 'canary';

export interface Labels {
  readonly stable: Release;
  readonly canary: { readonly release: Release; readonly weight: number } | null;
  /** What stable can be rolled back to, the latest last. */
  readonly previous: readonly Release[];
}

export interface Releases extends Labels {
  readonly history: readonly {
    readonly time: string;
    readonly action: string;
    readonly label: Label;
    readonly reason: string | null;
    readonly state: Labels;
  }[];
}

export interface StoredAgent {
  readonly agent: 'issue-analysis' | 'code-generation';
  readonly generation: string;
  readonly parameters: number;
  readonly resident: boolean;
}
