import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { FeedbackSettings } from './feedback/store.js';
import type { KeySource } from './keys.js';
import type { CanaryLimits } from './releases/canary-watch.js';
import { DEFAULT_OPTIONS, type PipelineOptions } from '../pipeline/types.js';

/** Everything that can be set from outside; one environment variable each. */
export interface Config {
  /** HOST: address to listen on. */
  readonly host: string;
  /** PORT: 0 takes a free one. */
  readonly port: number;
  /** MODEL_DIR: folder with config.json, tokenizer and graphs. */
  readonly modelDir: string;
  /** AGENTS_DIR: folder with the two agents' safetensors files. */
  readonly agentsDir: string;
  /** WORKERS: requests computed at the same time; each holds its own copy of the weights. */
  readonly workers: number;
  /** THREADS: threads of one worker's matrix products. */
  readonly threads: number;
  /** ABSTAIN_BELOW: when the best patch scores less, none is proposed; 0 to 1. */
  readonly abstainBelow: number;
  /** LOG_LEVEL: trace … fatal, or silent. */
  readonly logLevel: string;
  readonly limits: Limits;
  /** API_KEY, API_KEY_FILE: keys of the inference API; neither: it needs none. */
  readonly apiKeys: KeySource;
  /** ADMIN_API_KEY, ADMIN_API_KEY_FILE: keys of the admin API; neither: it is off. */
  readonly adminKeys: KeySource;
  /** ADMIN_PORT: port of the admin API, 0 takes a free one; -1: that of the inference API. */
  readonly adminPort: number;
  /** AGENTS_WATCH_DIR: folder whose agents are published as they appear; empty: none. */
  readonly agentsWatchDir: string;
  /** STORE_DIR: published agents and the journal of releases. */
  readonly storeDir: string;
  readonly agentLimits: AgentLimits;
  /** PROBE_ROWS: file of held-out rows on which each release is scored; empty: none. */
  readonly probeRows: string;
  /** When a canary is rolled back by itself. */
  readonly canary: CanaryLimits;
  /** FEEDBACK_DIR (empty: none is kept), FEEDBACK_DAYS, FEEDBACK_MAX_BYTES. */
  readonly feedback: FeedbackSettings;
  /** QUEUE_SIZE: requests that may wait for a worker. */
  readonly queueSize: number;
  /** QUEUE_TIMEOUT_MS: longest wait in the queue. */
  readonly queueTimeoutMs: number;
  /** REQUEST_TIMEOUT_MS: longest time for one request, waiting not counted. */
  readonly requestTimeoutMs: number;
  /** DRAIN_TIMEOUT_MS: how long running requests may go on after SIGTERM. */
  readonly drainTimeoutMs: number;
}

/** What one request may hold. */
export interface Limits {
  /** MAX_BODY_BYTES: bytes of the HTTP body. */
  readonly maxBodyBytes: number;
  /** MAX_FILES: files of one request. */
  readonly maxFiles: number;
  /** MAX_FILE_BYTES: UTF-8 bytes of one file. */
  readonly maxFileBytes: number;
  /** MAX_ISSUE_BYTES: UTF-8 bytes of title and body. */
  readonly maxIssueBytes: number;
  /** MAX_PATCHES: largest `n`. */
  readonly maxPatches: number;
  /** MAX_NEW_TOKENS: largest `max_new_tokens`. */
  readonly maxNewTokens: number;
}

/** Bounds of the agents in store and memory. */
export interface AgentLimits {
  /** MAX_AGENT_BYTES: bytes of one agent file. */
  readonly maxAgentBytes: number;
  /** MAX_AGENTS: agents in the store. */
  readonly maxAgents: number;
  /** MAX_RESIDENT_AGENTS: agents in the memory of each worker. */
  readonly maxResident: number;
}

/** The environment says something that cannot be used; the text names variable and rule. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Folder of package.json, found from here upwards: the same from the sources and from `dist`. */
export const packageRoot = findPackageRoot();

function findPackageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new ConfigError('No package.json above the program.');
    folder = parent;
  }
  return folder;
}

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

/** The variables, their ranges, defaults and meanings; the table in docs/operating.md is made of this. */
export const environmentSchema = {
  type: 'object',
  properties: {
    HOST: anyText('127.0.0.1', 'address to listen on'),
    PORT: integer(0, 65_535, 8080, 'port; 0 takes a free one'),
    MODEL_DIR: anyText('model/artifacts', 'folder of the backbone, relative to the package'),
    AGENTS_DIR: anyText('adapters/files', 'folder of the two agents’ files'),
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
    QUEUE_SIZE: integer(0, 100_000, 16, 'requests that may wait; one more gets 429'),
    QUEUE_TIMEOUT_MS: integer(1, 2 ** 31 - 1, 30_000, 'longest wait for a worker'),
    REQUEST_TIMEOUT_MS: integer(1, 2 ** 31 - 1, 120_000, 'longest computation of one request'),
    DRAIN_TIMEOUT_MS: integer(0, 2 ** 31 - 1, 30_000, 'how long running requests may go on after SIGTERM'),
  },
} as const;

type Name = keyof typeof environmentSchema.properties;

/**
 * Reads and checks the environment. Empty variables count as unset; relative folders start at the package.
 * Throws ConfigError naming each variable that is wrong.
 */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const values: Partial<Record<Name, string | number>> = {};
  for (const name of Object.keys(environmentSchema.properties) as Name[]) {
    const text = environment[name]?.trim();
    if (text) values[name] = text;
  }
  const ajv = new Ajv2020({ allErrors: true, coerceTypes: true, useDefaults: true, strict: true });
  const validate = ajv.compile<Record<Name, string | number>>(environmentSchema);
  if (!validate(values)) {
    const faults = (validate.errors ?? []).map((fault) => {
      const allowed = (fault.params as { allowedValues?: unknown[] }).allowedValues;
      return `${fault.instancePath.slice(1)} ${fault.message ?? ''}${allowed ? ` (${allowed.join(', ')})` : ''}`;
    });
    throw new ConfigError(`Environment: ${faults.join('; ')}.`);
  }
  const text = (name: Name): string => String(values[name]);
  const number = (name: Name): number => Number(values[name]);
  const workers = number('WORKERS');
  return Object.freeze({
    host: text('HOST'),
    port: number('PORT'),
    modelDir: resolve(packageRoot, text('MODEL_DIR')),
    agentsDir: resolve(packageRoot, text('AGENTS_DIR')),
    workers,
    threads: number('THREADS') || defaultThreads(workers),
    abstainBelow: number('ABSTAIN_BELOW'),
    logLevel: text('LOG_LEVEL'),
    limits: Object.freeze({
      maxBodyBytes: number('MAX_BODY_BYTES'),
      maxFiles: number('MAX_FILES'),
      maxFileBytes: number('MAX_FILE_BYTES'),
      maxIssueBytes: number('MAX_ISSUE_BYTES'),
      maxPatches: number('MAX_PATCHES'),
      maxNewTokens: number('MAX_NEW_TOKENS'),
    }),
    apiKeys: Object.freeze({ key: text('API_KEY'), file: text('API_KEY_FILE') }),
    adminKeys: Object.freeze({ key: text('ADMIN_API_KEY'), file: text('ADMIN_API_KEY_FILE') }),
    adminPort: number('ADMIN_PORT'),
    agentsWatchDir: text('AGENTS_WATCH_DIR') && resolve(packageRoot, text('AGENTS_WATCH_DIR')),
    storeDir: resolve(packageRoot, text('STORE_DIR')),
    agentLimits: Object.freeze({
      maxAgentBytes: number('MAX_AGENT_BYTES'),
      maxAgents: number('MAX_AGENTS'),
      maxResident: number('MAX_RESIDENT_AGENTS'),
    }),
    probeRows: text('PROBE_ROWS') && resolve(packageRoot, text('PROBE_ROWS')),
    canary: Object.freeze({
      minRequests: number('CANARY_MIN_REQUESTS'),
      margin: number('CANARY_MARGIN'),
      slowdown: number('CANARY_SLOWDOWN'),
    }),
    feedback: Object.freeze({
      folder: text('FEEDBACK_DIR') && resolve(packageRoot, text('FEEDBACK_DIR')),
      days: number('FEEDBACK_DAYS'),
      maxBytes: number('FEEDBACK_MAX_BYTES'),
    }),
    queueSize: number('QUEUE_SIZE'),
    queueTimeoutMs: number('QUEUE_TIMEOUT_MS'),
    requestTimeoutMs: number('REQUEST_TIMEOUT_MS'),
    drainTimeoutMs: number('DRAIN_TIMEOUT_MS'),
  });
}

/** This process's environment with some variables replaced: for a child process. */
export function environmentWith(variables: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...variables };
}

/** What the configuration says about the pipeline. */
export function pipelineOptions(config: Config): Partial<PipelineOptions> {
  return { abstainBelow: config.abstainBelow, maxPatchTokens: config.limits.maxNewTokens };
}

/** The cores shared out among the workers; more than eight threads gain nothing at these sizes. */
function defaultThreads(workers: number): number {
  return Math.max(1, Math.min(8, Math.floor(availableParallelism() / workers)));
}
