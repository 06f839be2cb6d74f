import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { environmentSchema } from './environment-schema.js';
import type { FeedbackSettings } from './feedback/store.js';
import type { KeySource } from './keys.js';
import type { CanaryLimits } from './releases/canary-watch.js';
import type { PipelineOptions } from '../pipeline/types.js';

/** Everything that can be set from outside; one environment variable each. */
export interface Config {
  /** HOST: address to listen on. */
  readonly host: string;
  /** PORT: 0 takes a free one. */
  readonly port: number;
  /** MODEL_DIR: folder with config.json, tokenizer and graphs. */
  readonly modelDir: string;
  /** AGENTS_DIR: folder with the agents' safetensors files. */
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
  /** GITHUB_…: the webhook. */
  readonly github: GitHubSettings;
  /** OTEL_EXPORTER_OTLP_ENDPOINT: where spans go; empty: none are made. */
  readonly otlpEndpoint: string;
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

/** How issues of GitHub are answered. */
export interface GitHubSettings {
  /** GITHUB_WEBHOOK_SECRET, GITHUB_WEBHOOK_SECRET_FILE: neither: the webhook is off. */
  readonly secrets: KeySource;
  /** GITHUB_TOKEN, GITHUB_TOKEN_FILE. */
  readonly tokens: KeySource;
  /** GITHUB_API_URL. */
  readonly apiUrl: string;
  /** GITHUB_LABEL: the label that asks for a patch. */
  readonly label: string;
  /** GITHUB_ANSWER. */
  readonly answer: 'comment' | 'draft_pull_request';
  /** GITHUB_MAX_FILES, GITHUB_MAX_BYTES: what is read from the repository for one issue. */
  readonly maxFiles: number;
  readonly maxBytes: number;
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
  const { GITHUB_WEBHOOK_SECRET, GITHUB_WEBHOOK_SECRET_FILE, GITHUB_TOKEN, GITHUB_TOKEN_FILE } = values;
  if ((GITHUB_WEBHOOK_SECRET || GITHUB_WEBHOOK_SECRET_FILE) && !(GITHUB_TOKEN || GITHUB_TOKEN_FILE)) {
    throw new ConfigError('Environment: the webhook of GitHub needs GITHUB_TOKEN or GITHUB_TOKEN_FILE.');
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
    github: Object.freeze({
      secrets: { key: text('GITHUB_WEBHOOK_SECRET'), file: text('GITHUB_WEBHOOK_SECRET_FILE') },
      tokens: { key: text('GITHUB_TOKEN'), file: text('GITHUB_TOKEN_FILE') },
      apiUrl: text('GITHUB_API_URL'),
      label: text('GITHUB_LABEL'),
      answer: text('GITHUB_ANSWER') as GitHubSettings['answer'],
      maxFiles: Math.min(number('GITHUB_MAX_FILES'), number('MAX_FILES')),
      maxBytes: number('GITHUB_MAX_BYTES'),
    }),
    otlpEndpoint: text('OTEL_EXPORTER_OTLP_ENDPOINT'),
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
