/** What stopped a fine-tuning run, as a stable word. */
export type TrainingErrorCode =
  | 'training_graphs_missing'
  | 'training_graphs_changed'
  | 'backbone_changed'
  | 'repository_unreadable'
  | 'rows_unreadable'
  | 'rows_too_few'
  | 'analyst_missing'
  | 'cache_unusable'
  | 'output_is_input'
  | 'checkpoint_missing'
  | 'checkpoint_of_other_run'
  | 'loss_not_finite'
  | 'loss_diverged';

/** Every error thrown on purpose by `training/finetune/` and `training/data/`; errors of model and agent files pass through as they are. */
export class TrainingError extends Error {
  override readonly name = 'TrainingError';
  readonly code: TrainingErrorCode;

  constructor(code: TrainingErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
