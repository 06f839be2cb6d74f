/** What went wrong in `model/`, as a stable word: callers map it to an answer. */
export type ModelErrorCode =
  | 'config_invalid'
  | 'model_file_unreadable'
  | 'tokenizer_invalid'
  | 'graph_invalid'
  | 'graph_failed'
  | 'input_too_long'
  | 'token_invalid'
  | 'row_invalid'
  | 'options_invalid'
  | 'dead_end'
  | 'closed'
  | 'aborted';

/** Every error thrown on purpose by `model/`. `code` is stable, `message` is for people, `cause` is the error beneath, if any. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly code: ModelErrorCode;

  constructor(code: ModelErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Throws a `ModelError` with code `aborted` if the signal has fired; `cause` is the signal's reason. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new ModelError('aborted', 'The work was aborted.', { cause: signal.reason });
}
