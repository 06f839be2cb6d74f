import { DEFAULT_OPTIONS } from '../pipeline/types.js';

/** A variable with a range. */
interface NumberVariable<Type> {
  readonly type: Type;
  readonly minimum: number;
  readonly maximum: number;
  readonly default: number;
  readonly description: string;
}

const ranged =
  <Type extends 'integer' | 'number'>(type: Type) =>
  (minimum: number, maximum: number, fallback: number, description: string): NumberVariable<Type> => ({
    type,
    minimum,
    maximum,
    default: fallback,
    description,
  });
const integer = ranged('integer');
const decimal = ranged('number');
const anyText = (fallback: string, description: string) =>
  ({ type: 'string', default: fallback, description }) as const;
const anyUrl = (fallback: string, description: string) =>
  ({ type: 'string', pattern: '^(?:https?://.+)?$', default: fallback, description }) as const;

/** The variables, their ranges, defaults and meanings; the table in docs/operating.md is made of this. */
export const environmentSchema = {
  type: 'object',
  properties: {
    HOST: anyText('127.0.0.1', 'address to listen on'),
    PORT: integer(0, 65_535, 8080, 'port; 0 takes a free one'),
    MODEL_DIR: anyText('model/artifacts', 'folder of the backbone, relative to the package'),
    AGENTS_DIR: anyText('adapters/files', 'folder of the agents’ files'),
    WORKERS: integer(1, 64, 1, 'requests computed at the same time; each worker holds the weights'),
    THREADS: integer(0, 256, 0, 'threads of one worker; 0: the cores shared out among the workers'),
    ABSTAIN_BELOW: decimal(
      0,
      1,
      DEFAULT_OPTIONS.abstainBelow,
      'no patch is proposed when the best scores less (0 to 1)',
    ),
    LOG_LEVEL: {
      enum: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      default: 'info',
      description: 'the least important lines that are logged',
    },
    MAX_BODY_BYTES: integer(1024, 2 ** 30, 4 * 2 ** 20, 'bytes of a request body'),
    MAX_FILES: integer(1, 100_000, 64, 'files of a request'),
    MAX_FILE_BYTES: integer(1, 2 ** 30, 2 ** 20, 'bytes of one file'),
    MAX_ISSUE_BYTES: integer(1, 2 ** 30, 64 * 1024, 'bytes of the issue, title and body'),
    MAX_PATCHES: integer(1, 64, 8, 'largest n'),
    MAX_NEW_TOKENS: integer(1, 100_000, DEFAULT_OPTIONS.maxPatchTokens, 'largest max_new_tokens, and its default'),
    API_KEY: anyText('', 'bearer token of the inference API; without a key it asks for none'),
    API_KEY_FILE: anyText('', 'file with such keys, one a line, read for each request: a new key counts at once'),
    ADMIN_API_KEY: anyText('', 'bearer token of the admin API; without a key it is off'),
    ADMIN_API_KEY_FILE: anyText('', 'file with such keys, like `API_KEY_FILE`'),
    ADMIN_PORT: integer(-1, 65_535, -1, 'port of the admin API, 0 takes a free one; -1: that of the inference API'),
    AGENTS_WATCH_DIR: anyText('', 'folder whose agents are published as they appear; made if missing'),
    STORE_DIR: anyText(
      'adapters/store',
      'published agents and the journal of releases; made when there is an admin key or a watched folder',
    ),
    MAX_AGENT_BYTES: integer(1024, 2 ** 30, 64 * 2 ** 20, 'bytes of an agent file'),
    MAX_AGENTS: integer(2, 100_000, 64, 'agents in the store; the one whose use is longest ago makes room'),
    MAX_RESIDENT_AGENTS: integer(4, 1000, 12, 'agents in the memory of each worker'),
    CANARY_MIN_REQUESTS: integer(1, 1_000_000, 50, 'requests each label must have answered before a canary is judged'),
    CANARY_MARGIN: decimal(0, 1, 0.1, 'how much smaller its share of answers that apply may be than that of stable'),
    CANARY_SLOWDOWN: decimal(1, 1000, 1.5, 'how many times as long as stable it may take in the mean'),
    PROBE_ROWS: anyText(
      '',
      'file of held-out rows (`deploy/probe-rows.jsonl`) on which each release is scored in the background; none: off',
    ),
    FEEDBACK_DIR: anyText(
      '',
      'folder where requests, answers and verdicts are kept, relative to the package; without it none are',
    ),
    FEEDBACK_DAYS: integer(1, 3650, 30, 'days a record is kept after its answer'),
    FEEDBACK_MAX_BYTES: integer(1024, 2 ** 40, 64 * 2 ** 20, 'bytes of all records'),
    GITHUB_WEBHOOK_SECRET: anyText('', 'secret of the webhook of GitHub; without one the webhook is off'),
    GITHUB_WEBHOOK_SECRET_FILE: anyText('', 'file with such secrets, like `API_KEY_FILE`'),
    GITHUB_TOKEN: anyText('', 'token for the API of GitHub: contents, issues and pull requests'),
    GITHUB_TOKEN_FILE: anyText('', 'file whose first line is the token, read for each call'),
    GITHUB_API_URL: anyUrl('https://api.github.com', 'the API; of GitHub Enterprise Server `https://<host>/api/v3`'),
    GITHUB_LABEL: anyText('agentic-seq2seq', 'label that asks for a patch'),
    GITHUB_ANSWER: {
      enum: ['comment', 'draft_pull_request'],
      default: 'comment',
      description: 'what a patch becomes; without one it is always a comment',
    },
    GITHUB_MAX_FILES: integer(1, 1000, 32, 'files read from the repository for one issue; never more than `MAX_FILES`'),
    GITHUB_MAX_BYTES: integer(1024, 2 ** 30, 2 ** 20, 'bytes of those files'),
    OTEL_EXPORTER_OTLP_ENDPOINT: anyUrl('', 'where spans are sent by OTLP over HTTP; without it none are made'),
    QUEUE_SIZE: integer(0, 100_000, 16, 'requests that may wait; one more gets 429'),
    QUEUE_TIMEOUT_MS: integer(1, 2 ** 31 - 1, 30_000, 'longest wait for a worker'),
    REQUEST_TIMEOUT_MS: integer(1, 2 ** 31 - 1, 120_000, 'longest computation of one request'),
    DRAIN_TIMEOUT_MS: integer(0, 2 ** 31 - 1, 30_000, 'how long running requests may go on after SIGTERM'),
  },
} as const;
