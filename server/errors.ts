/** What one error code means to a client. */
interface ErrorRow {
  readonly status: number;
  /** One sentence: when it is sent and what the client may do. */
  readonly meaning: string;
}

/**
 * Every error the server answers with. The README and openapi.yaml list the same codes; a test compares them.
 * A code never changes its meaning; messages may.
 */
export const errorTable = {
  malformed_json: { status: 400, meaning: 'The body is not JSON, or not UTF-8.' },
  bad_request: { status: 400, meaning: 'The bytes on the connection are not valid HTTP.' },
  not_found: { status: 404, meaning: 'There is nothing at this path.' },
  method_not_allowed: { status: 405, meaning: 'The path exists, the method does not; see the Allow header.' },
  body_too_large: { status: 413, meaning: 'The body is larger than MAX_BODY_BYTES; the limit is in the message.' },
  too_many_files: { status: 413, meaning: 'More files than MAX_FILES; the limit is in the message.' },
  file_too_large: { status: 413, meaning: 'A file is larger than MAX_FILE_BYTES; the limit is in the message.' },
  issue_too_large: {
    status: 413,
    meaning: 'Title and body are longer than MAX_ISSUE_BYTES; the limit is in the message.',
  },
  unsupported_media_type: {
    status: 415,
    meaning: 'The body must be application/json in UTF-8, without content encoding.',
  },
  invalid_request: {
    status: 422,
    meaning: 'A field is missing, unknown, of the wrong type or out of range; details name each place.',
  },
  empty_issue: { status: 422, meaning: 'The issue holds nothing but white space.' },
  invalid_path: {
    status: 422,
    meaning: 'A path is absolute, leaves the repository, or holds a backslash, control character or empty part.',
  },
  duplicate_path: { status: 422, meaning: 'Two files have the same path, or one path is a folder of another.' },
  binary_content: { status: 422, meaning: 'A file or the issue is not text: it holds NUL or an unpaired surrogate.' },
  overloaded: { status: 429, meaning: 'The queue is full; try again after Retry-After seconds.' },
  internal_error: { status: 500, meaning: 'The server failed; the id in the answer finds the log line.' },
  inference_crashed: {
    status: 500,
    meaning: 'The process part that ran this request stopped; it is restarted, other requests are not affected.',
  },
  not_ready: { status: 503, meaning: 'The model is still loading, or could not be loaded; see /ready.' },
  shutting_down: { status: 503, meaning: 'The server finishes its running requests and takes no new ones.' },
  queue_timeout: { status: 503, meaning: 'The request waited QUEUE_TIMEOUT_MS for a free worker.' },
  deadline_exceeded: { status: 504, meaning: 'The request took longer than REQUEST_TIMEOUT_MS and was stopped.' },
} as const satisfies Record<string, ErrorRow>;

/** A key of the table: the stable part of an error answer. */
export type ErrorCode = keyof typeof errorTable;

/** One place in the request that is at fault. */
export interface ErrorDetail {
  /** JSON pointer into the body, `` for the whole. */
  readonly path: string;
  readonly message: string;
}

/** A failure with a code of the table; anything else that is thrown becomes `internal_error` and its text stays in the log. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly details: readonly ErrorDetail[];
  /** Seconds for the Retry-After header. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: readonly ErrorDetail[]; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.details = options.details ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get status(): number {
    return errorTable[this.code].status;
  }
}

/** Thrown inside a request whose client has gone; never answered, only counted. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError';
}
