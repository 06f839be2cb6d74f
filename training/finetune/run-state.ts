import type { AgentName } from '../../agents/names.js';

/** A value for each agent of a run. */
export type PerAgent<T> = Readonly<Partial<Record<AgentName, T>>>;

/** One update; the names are those of OpenAI's fine-tuning metrics. */
export interface StepReport {
  readonly step: number;
  readonly total_steps: number;
  readonly epoch: number;
  /** Whose update it was. */
  readonly agent: AgentName;
  readonly train_loss: number;
  readonly train_mean_token_accuracy: number;
  readonly learning_rate: number;
  readonly grad_norm: number;
  readonly seconds: number;
  readonly sequences_per_second: number;
}

/** An agent on the validation rows. */
export interface ValidFigures {
  readonly valid_loss: number;
  readonly valid_mean_token_accuracy: number;
}

/** After each epoch, and once before the first; loss and accuracy are the means over the agents of the run. */
export interface ValidReport extends ValidFigures {
  readonly step: number;
  /** Whether no earlier step was better. */
  readonly best: boolean;
  readonly agents: PerAgent<ValidFigures>;
}

/** Where a run stands, besides its numbers. */
export interface RunState {
  /** Updates done, of all agents. */
  readonly step: number;
  /** Those of each agent. */
  readonly updates: PerAgent<number>;
  /** Validations without improvement since the best one. */
  readonly waited: number;
  /** Lowest validation cross-entropy so far (mean over the agents), and the step it was measured at. */
  readonly bestLoss: number;
  readonly bestStep: number;
  /** Seconds of work so far, over all parts of the run. */
  readonly seconds: number;
  /** Every update and every validation so far. */
  readonly steps: readonly StepReport[];
  readonly validations: readonly ValidReport[];
}
