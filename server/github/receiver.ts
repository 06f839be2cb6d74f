import { AppError, isErrorCode, type ErrorCode } from '../errors.js';
import { isConfigured, keysOf } from '../keys.js';
import type { Span } from '../telemetry/span.js';
import { answerIssue, type IssueOutcome, type JobDeps } from './answer-issue.js';
import { GitHubApi, GitHubError, type GitHubFailure } from './api.js';
import { Deliveries } from './deliveries.js';
import { branchOf } from './draft-pull-request.js';
import type { ClosedPullRequest, LabeledIssue } from './events.js';
import { JobQueue } from './job-queue.js';
import { readMarker } from './marker.js';

/** Jobs hold few places of the queue of the workers, so that a burst of labels leaves room for requests. */
const AT_ONCE = 2;
const MAX_WAITING = 100;

/** Works on what the webhook was sent, after it has answered. */
export class GitHubReceiver {
  readonly #deps: JobDeps;
  readonly #stopping: AbortController;
  readonly #queue = new JobQueue({ atOnce: AT_ONCE, maxWaiting: MAX_WAITING });
  readonly #deliveries = new Deliveries();

  private constructor(deps: JobDeps, stopping: AbortController) {
    this.#deps = deps;
    this.#stopping = stopping;
  }

  /** Undefined while no secret is configured. */
  static open(deps: Omit<JobDeps, 'api' | 'stopping'>): GitHubReceiver | undefined {
    const { secrets, tokens, apiUrl } = deps.config.github;
    if (!isConfigured(secrets)) return undefined;
    const stopping = new AbortController();
    const api = new GitHubApi({ apiUrl, token: async () => (await keysOf(tokens))[0] });
    return new GitHubReceiver({ ...deps, api, stopping: stopping.signal }, stopping);
  }

  /**
   * Takes an event up. `duplicate`: its delivery is at work or done. Throws AppError `overloaded` when too many wait and
   * `shutting_down`.
   */
  take(event: LabeledIssue | ClosedPullRequest, delivery: string, span: Span): 'accepted' | 'duplicate' {
    const { signal } = this.#stopping;
    if (signal.aborted) throw signal.reason as Error;
    if (!this.#queue.hasRoom) {
      throw new AppError('overloaded', `${MAX_WAITING} deliveries are waiting.`, { retryAfterSeconds: 60 });
    }
    if (!this.#deliveries.begin(delivery)) return 'duplicate';
    const { id } = event.repository;
    const key = `${id} ${event.type === 'labeled' ? branchOf(event.issue) : event.branch}`;
    this.#queue.add(key, () => this.#work(event, delivery, span));
    return 'accepted';
  }

  /** Ends what has no answer yet, lets the rest be written; resolves when nothing is at work. */
  async close(): Promise<void> {
    this.#stopping.abort(new AppError('shutting_down', 'The server is shutting down.'));
    await this.#queue.close();
  }

  async #work(event: LabeledIssue | ClosedPullRequest, delivery: string, parent: Span): Promise<void> {
    const { logger, metrics } = this.#deps;
    const { owner, repo } = event.repository;
    const started = performance.now();
    const span = parent.child(`github ${event.type}`);
    const line = { delivery, event: event.type, repository: `${owner}/${repo}` };
    try {
      const outcome = event.type === 'labeled' ? await this.#answer(event, span) : await this.#learn(event);
      span.end();
      metrics.github.jobs.inc({ outcome });
      logger.info({ ...line, outcome, ms: Math.round(performance.now() - started) }, 'github');
    } catch (error) {
      this.#deliveries.forget(delivery);
      const code = codeOf(error);
      span.end(code);
      metrics.github.jobs.inc({ outcome: code });
      // An error of the API says route and status, one of the server what its code means; others are faults of the program.
      const told = code === 'internal_error' ? { err: error } : { reason: (error as Error).message };
      logger.warn({ ...line, code, ...told, ms: Math.round(performance.now() - started) }, 'github failed');
    }
  }

  #answer(event: LabeledIssue, span: Span): Promise<IssueOutcome> {
    this.#stopping.signal.throwIfAborted();
    return answerIssue(this.#deps, event, span);
  }

  async #learn({ repository, branch, body, merged }: ClosedPullRequest): Promise<'feedback' | 'ignored'> {
    const { config, feedback } = this.#deps;
    const marker = readMarker(body, repository.id, await keysOf(config.github.secrets));
    if (!feedback || !marker || branch !== branchOf(marker.issue)) return 'ignored';
    await feedback.judge(marker.answer, { verdict: merged ? 'accepted' : 'rejected' });
    return 'feedback';
  }
}

function codeOf(error: unknown): ErrorCode | GitHubFailure {
  if (error instanceof GitHubError) return error.code;
  return error instanceof AppError && isErrorCode(error.code) ? error.code : 'internal_error';
}
