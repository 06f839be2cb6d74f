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
  unsupported_parameter: {
    status: 400,
    meaning: 'A parameter of the OpenAI API that the model cannot follow, or that does not exist; param names it.',
  },
  context_length_exceeded: { status: 400, meaning: 'The prompt is empty or longer than the model reads.' },
  model_not_found: { status: 404, meaning: 'There is no such model; see /v1/models.' },
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
  admin_off: { status: 403, meaning: 'The admin API is off: neither ADMIN_API_KEY nor ADMIN_API_KEY_FILE is set.' },
  unauthorized: { status: 401, meaning: 'The key of this API is missing or wrong; send it as Authorization: Bearer.' },
  github_off: { status: 403, meaning: 'The webhook of GitHub is off: no GITHUB_WEBHOOK_SECRET is set.' },
  wrong_signature: { status: 401, meaning: 'X-Hub-Signature-256 is missing, or not that of the body and the secret.' },
  path_forbidden: { status: 403, meaning: 'The path leads out of AGENTS_DIR, or to something that is not a file.' },
  feedback_off: { status: 403, meaning: 'No feedback is kept: FEEDBACK_DIR is not set.' },
  answer_not_found: { status: 404, meaning: 'No answer of this id is kept for feedback: it is unknown or expired.' },
  diff_does_not_apply: {
    status: 422,
    meaning: 'The corrected diff does not apply to the files of its request; details say where.',
  },
  path_not_found: { status: 404, meaning: 'There is no such file in AGENTS_DIR.' },
  generation_not_found: { status: 404, meaning: 'No agent of this generation is stored; upload it first.' },
  agent_file_changed: { status: 409, meaning: 'The file was replaced or written to while it was read.' },
  release_conflict: {
    status: 409,
    meaning: 'The label points to another release than expected_release; details name it.',
  },
  nothing_to_roll_back: {
    status: 409,
    meaning: 'The label has no earlier release, or the agent to unload is not what was changed last.',
  },
  agent_limit: { status: 409, meaning: 'MAX_AGENTS are stored, and all of them are in use.' },
  resident_limit: { status: 409, meaning: 'MAX_RESIDENT_AGENTS are held; running requests still need retired ones.' },
  agent_too_large: { status: 413, meaning: 'The agent file is larger than MAX_AGENT_BYTES.' },
  agent_unreadable: { status: 422, meaning: 'The agent file cannot be read.' },
  agent_truncated: { status: 422, meaning: 'The agent file ends before everything its header describes.' },
  agent_bad_magic: { status: 422, meaning: 'The agent file does not begin as a safetensors file.' },
  agent_malformed: { status: 422, meaning: 'Header, offsets or metadata of the agent file contradict its format.' },
  agent_corrupted: { status: 422, meaning: 'The agent file was sealed with other contents: a bit has changed.' },
  agent_wrong_format: { status: 422, meaning: 'The agent file has another format version.' },
  agent_wrong_name: { status: 422, meaning: 'The file is none of the agents, or not the one asked for.' },
  agent_wrong_backbone: { status: 422, meaning: 'The agent was trained on another backbone.' },
  agent_missing_tensor: { status: 422, meaning: 'A tensor of the agent is missing.' },
  agent_unknown_tensor: { status: 422, meaning: 'The file has a tensor that no agent has.' },
  agent_wrong_shape: { status: 422, meaning: 'A tensor of the agent has another shape than the backbone needs.' },
  agent_not_finite: { status: 422, meaning: 'A tensor of the agent holds NaN or infinity.' },
  agent_norm_too_large: { status: 422, meaning: 'The numbers of a tensor are far beyond those of a trained agent.' },
  agent_no_effect: { status: 422, meaning: 'The outputs with the agent are those of the backbone without it.' },
  agent_warm_up_failed: { status: 422, meaning: 'A first run with the agent failed.' },
  agent_probe_mismatch: { status: 422, meaning: 'The outputs are not those recorded when the agent was trained.' },
  publish_busy: { status: 429, meaning: 'Another change of agents or releases is at work; try again.' },
  overloaded: { status: 429, meaning: 'The queue is full; try again after Retry-After seconds.' },
  internal_error: { status: 500, meaning: 'The server failed; the id in the answer finds the log line.' },
  inference_crashed: {
    status: 500,
    meaning: 'The process part that ran this request stopped; it is restarted, other requests are not affected.',
  },
  not_ready: { status: 503, meaning: 'The model is still loading, or could not be loaded; see /ready.' },
  shutting_down: { status: 503, meaning: 'The server finishes its running requests and takes no new ones.' },
  store_unavailable: {
    status: 503,
    meaning: 'The store of agents and releases could not be written; nothing has changed.',
  },
  feedback_unavailable: { status: 503, meaning: 'The feedback could not be read or written; nothing was kept.' },
  queue_timeout: { status: 503, meaning: 'The request waited QUEUE_TIMEOUT_MS for a free worker.' },
  deadline_exceeded: { status: 504, meaning: 'The request took longer than REQUEST_TIMEOUT_MS and was stopped.' },
} as const satisfies Record<string, ErrorRow>;

/** A key of the table: the stable part of an error answer. */
export type ErrorCode = keyof typeof errorTable;

/** Whether a word is a code of the table. */
export function isErrorCode(word: string): word is ErrorCode {
  return Object.hasOwn(errorTable, word);
}

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
