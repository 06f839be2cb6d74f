import { setTimeout as wait } from 'node:timers/promises';
import { request } from '@octokit/request';

/** What a call of the API can end in, as log and metrics name it. */
export const GITHUB_FAILURES = [
  'github_unavailable',
  'github_rate_limited',
  'github_denied',
  'github_refused',
] as const;

export type GitHubFailure = (typeof GITHUB_FAILURES)[number];

/** A call that failed. Its text names route and status, never a token or a text of the repository. */
export class GitHubError extends Error {
  override readonly name = 'GitHubError';

  constructor(
    readonly code: GitHubFailure,
    /** 0 when there was no answer. */
    readonly status: number,
    route: string,
  ) {
    super(`${route}: ${status === 0 ? 'no answer' : status}`);
  }
}

/** Where the API is and who calls it. */
export interface GitHubApiOptions {
  readonly apiUrl: string;
  /** The token for the next call: asked for each one, so that a new one counts at once. */
  readonly token: () => Promise<string | undefined>;
  /** First wait before a call is repeated, ms; doubled each time. */
  readonly firstWaitMs?: number;
}

type Parameters = Readonly<Record<string, unknown>>;

const MAX_ATTEMPTS = 4;
/** Waits that the API asks for are kept up to this; a longer one ends the call. */
const MAX_WAIT_MS = 60_000;
const CALL_TIMEOUT_MS = 30_000;
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** The few calls of GitHub's REST API that are needed, repeated where that helps. */
export class GitHubApi {
  readonly #options: GitHubApiOptions;
  readonly #request;

  constructor(options: GitHubApiOptions) {
    this.#options = options;
    this.#request = request.defaults({
      baseUrl: options.apiUrl.replace(/\/+$/, ''),
      headers: { 'user-agent': 'agentic-seq2seq', 'x-github-api-version': '2022-11-28' },
    });
  }

  /**
   * Calls a route (`GET /repos/{owner}/{repo}`) that may be repeated without harm. Statuses from 500, no answer and limits of the
   * rate are tried four times at most. Throws GitHubError and the signal's reason.
   */
  call<T>(route: string, parameters: Parameters, signal: AbortSignal): Promise<T> {
    return this.repeated(() => this.once<T>(route, parameters, signal), signal);
  }

  /** Calls a route a single time. */
  async once<T>(route: string, parameters: Parameters, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const token = await this.#options.token();
    try {
      const answer: { readonly data: unknown } = await this.#request(route, {
        ...parameters,
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        request: { signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]), log: silent },
      });
      return answer.data as T;
    } catch (error) {
      signal.throwIfAborted();
      throw new FailedCall(route, error);
    }
  }

  /** Repeats work made of single calls. Throws GitHubError, the signal's reason and what else the work throws. */
  async repeated<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof FailedCall)) throw error;
        const waitMs = error.waitMs ?? (this.#options.firstWaitMs ?? 1000) * 2 ** (attempt - 1);
        if (!error.isPassing || attempt === MAX_ATTEMPTS || waitMs > MAX_WAIT_MS) throw error;
        await pause(waitMs, signal);
      }
    }
  }
}

/** A wait that a signal ends with its reason. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await wait(ms, undefined, { signal }).catch(() => {
    signal.throwIfAborted();
  });
}

interface Answer {
  readonly status?: number;
  readonly response?: { readonly headers: Readonly<Record<string, string | undefined>> };
}

/** One failed call, and whether and when it is worth another. */
class FailedCall extends GitHubError {
  readonly isPassing: boolean;
  /** What the API asks for, ms; undefined when it says nothing. */
  readonly waitMs: number | undefined;

  constructor(route: string, thrown: unknown) {
    const { status = 0, response } = thrown as Answer;
    const headers = response?.headers ?? {};
    const asked = askedWaitMs(headers);
    const isLimited = status === 429 || (status === 403 && asked !== undefined);
    const isDown = response === undefined || status >= 500;
    const isDenied = [401, 403, 404].includes(status);
    super(
      isLimited ? 'github_rate_limited' : isDown ? 'github_unavailable' : isDenied ? 'github_denied' : 'github_refused',
      response === undefined ? 0 : status,
      route,
    );
    this.isPassing = isLimited || isDown;
    this.waitMs = asked;
  }
}

/** `retry-after` in seconds, or the moment at which a used-up rate is there again. */
function askedWaitMs(headers: Readonly<Record<string, string | undefined>>): number | undefined {
  const after = headers['retry-after'];
  if (after !== undefined && /^\d+$/.test(after)) return Number(after) * 1000;
  const reset = headers['x-ratelimit-reset'];
  if (headers['x-ratelimit-remaining'] !== '0' || reset === undefined) return undefined;
  return Math.max(0, Number(reset) * 1000 - Date.now());
}
