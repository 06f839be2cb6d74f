import type { PatchRequest, PatchResult, PipelineEvent } from '../pipeline/types.js';
import { loadConfig, pipelineOptions, type Config } from '../server/config.js';
import type { Release } from '../server/inference/messages.js';
import { agentFilesIn } from '../server/inference/release.js';
import { keysOf } from '../server/keys.js';
import { WorkerHost } from '../server/inference/worker-host.js';
import { CommandError } from './exit-codes.js';

/** An answer, from here or from a server. */
export interface Answer extends Omit<PatchResult, 'timings'> {
  readonly release: Release;
  readonly timings: Readonly<Record<string, number>>;
  /** Only from a server. */
  readonly id?: string;
}

/** What is done with a request. */
export interface CallOptions {
  readonly signal: AbortSignal;
  readonly onEvent: (event: PipelineEvent) => void;
}

/** Computes the answer in this process, as the server would: in a worker thread that is closed again. Throws CommandError. */
export async function answerHere(request: PatchRequest, config: Config, options: CallOptions): Promise<Answer> {
  const { modelDir, agentsDir, threads } = config;
  const agents = agentFilesIn(agentsDir);
  const host = new WorkerHost({ modelDir, agents, workers: 1, threads, options: pipelineOptions(config) });
  try {
    try {
      await Promise.race([host.started(), rejectedBy(options.signal)]);
    } catch (cause) {
      options.signal.throwIfAborted();
      throw new CommandError('failed', `The model could not be loaded: ${(cause as Error).message}`, { cause });
    }
    const { result, release } = await host.run(request, options);
    return { ...result, release };
  } finally {
    await host.close();
  }
}

/** Sends the request to a server, with the key of the environment. Throws CommandError with the server's message, ConfigError. */
export async function answerOfServer(request: PatchRequest, server: string, options: CallOptions): Promise<Answer> {
  const url = patchesUrl(server);
  const [key] = await keysOf(loadConfig().apiKeys);
  let response: Response;
  let body: unknown;
  try {
    const headers = {
      'content-type': 'application/json',
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
    };
    response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(request), signal: options.signal });
    body = await response.json();
  } catch (cause) {
    options.signal.throwIfAborted();
    const why = cause instanceof Error ? ((cause.cause as Error | undefined)?.message ?? cause.message) : String(cause);
    throw new CommandError('failed', `${url}: ${why}`, { cause });
  }
  if (response.ok) return body as Answer;
  const error = (body as { error?: { code?: string; message?: string } } | null)?.error;
  throw new CommandError(
    'failed',
    `${url}: ${response.status} ${error?.code ?? ''}: ${error?.message ?? 'no reason given'}`,
  );
}

function patchesUrl(server: string): string {
  let url: URL;
  try {
    url = new URL(server);
  } catch (cause) {
    throw new CommandError('usage', `--server: ${server} is not a URL.`, { cause });
  }
  return `${url.href.replace(/\/$/, '')}/v1/patches`;
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
}
