import type { AgentName } from '../../agents/names.js';
import type { AdaptationCost } from './cost.js';
import type { Verdict } from './gate.js';
import type { GeneratedPatches } from './generated-patches.js';
import type { Figures } from './held-out-figures.js';
import type { Difference } from './paired-bootstrap.js';
import type { OwnAnalyses } from './own-analyses.js';
import type { PipelineLift } from './pipeline-lift.js';
import type { Dropped } from './rows.js';
import type { RunState } from './run-state.js';
import type { Settings } from './trainer.js';
import type { Trial } from './trial.js';

/** What a run has to say about one of its agents. */
export interface AgentReport {
  readonly agent: AgentName;
  readonly parent: string;
  readonly generation: string;
  /** The candidate. */
  readonly file: string;
  /** Rows that have something for this agent. */
  readonly rows: { readonly train: number; readonly valid: number; readonly held_out: number };
  readonly held_out: { readonly before: Figures; readonly after: Figures; readonly difference: Difference };
  readonly parameter_locality: {
    readonly agent_tensors: number;
    readonly agent_tensors_changed: readonly string[];
    readonly files_hashed: number;
    readonly files_changed: readonly string[];
  };
  readonly adaptation_cost: AdaptationCost;
  readonly trial: Trial;
  readonly gate: Verdict;
}

/** Everything a run has to say, as it is written to report.json. */
export interface Report {
  readonly backbone: string;
  readonly settings: Settings;
  readonly rows: {
    readonly train: number;
    readonly valid: number;
    readonly held_out: number;
    readonly dropped: readonly Dropped[];
  };
  /** The agents that were trained, one or both. */
  readonly agents: readonly AgentReport[];
  /** Of the pair before and after, the agent that was not trained included; missing where that is not at hand or no row shows a window. */
  readonly pipeline_lift: PipelineLift | undefined;
  /** By the same pairs; missing where that was not asked for, an agent is not at hand or no row has files. */
  readonly generated: GeneratedPatches | undefined;
  /** Missing where no row got one. */
  readonly own_analyses: OwnAnalyses | undefined;
  readonly training: RunState & { readonly stopped_early: boolean };
}
