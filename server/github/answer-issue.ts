import { randomUUID } from 'node:crypto';
import { runFor, type InferenceDeps } from '../admitted-run.js';
import { observePatches } from '../answer-log.js';
import { AppError } from '../errors.js';
import { keepForFeedback } from '../feedback/keep.js';
import type { FeedbackStore } from '../feedback/store.js';
import type { InferenceResult } from '../inference/messages.js';
import { keysOf } from '../keys.js';
import { readPatchRequest, type TextRequest } from '../request-checks.js';
import { runTraced } from '../telemetry/inference-spans.js';
import type { Span } from '../telemetry/span.js';
import { pause, type GitHubApi } from './api.js';
import { putComment } from './comment.js';
import { openDraft } from './draft-pull-request.js';
import type { LabeledIssue } from './events.js';
import { answerMarkdown, nothingReadMarkdown } from './markdown.js';
import { markerText } from './marker.js';
import { readIssueFiles, readVersion } from './repository.js';

/** What jobs need. */
export interface JobDeps extends InferenceDeps {
  readonly feedback: FeedbackStore | undefined;
  readonly api: GitHubApi;
  /** Aborts when a shutdown begins: what has no answer yet ends. */
  readonly stopping: AbortSignal;
}

/** What was written. `kept`: the draft that is open already stays as it is. */
export type IssueOutcome = 'comment' | 'draft_pull_request' | 'kept';

/** Refusals of the queue that pass. */
const PASSING = ['overloaded', 'queue_timeout', 'not_ready'];
const MAX_ATTEMPTS = 6;
const MAX_WAIT_MS = 60_000;

/**
 * Reads the files, asks the pipeline as any client does, and writes the answer. Throws AppError, GitHubError and the signals'
 * reasons.
 */
export async function answerIssue(deps: JobDeps, event: LabeledIssue, span: Span): Promise<IssueOutcome> {
  const { api, config, contract, stopping, drained } = deps;
  const { repository, issue: number } = event;
  const { owner, repo } = repository;
  const name = { owner, repo };
  const { answer, secrets: source, maxFiles, maxBytes } = config.github;
  const { maxIssueBytes, maxFileBytes } = config.limits;
  const early = AbortSignal.any([stopping, drained]);

  const issue = { title: event.title, body: firstBytes(event.body, maxIssueBytes - Buffer.byteLength(event.title)) };
  const reading = span.child('read repository');
  const version = await readVersion(api, name, repository.defaultBranch, early);
  const files = await readIssueFiles(api, name, version, issue, { maxFiles, maxBytes, maxFileBytes }, early);
  reading.end();

  const id = randomUUID();
  const secrets = await keysOf(source);
  const marker = { repository: repository.id, issue: number, answer: id };
  const { commit } = version;
  const comment = async (text: string): Promise<'comment'> => {
    await putComment(api, name, text, { marker, secrets }, drained);
    return 'comment';
  };
  if (files.length === 0) return comment(nothingReadMarkdown(commit));

  const { request } = readPatchRequest({ issue, files }, contract, config.limits);
  const { result } = await askPipeline(deps, id, request, span);
  const text = answerMarkdown({ result, commit, files: files.map(({ path }) => path) });
  const patch = result.patches[0];
  if (answer === 'comment' || patch?.status !== 'applies') return comment(text);
  const body = `For #${number}.\n\n${text}\n\n${markerText(marker, secrets[0] ?? '')}`;
  const draft = {
    issue: number,
    title: event.title,
    body,
    baseBranch: repository.defaultBranch,
    version,
    patch,
    files,
  };
  return (await openDraft(api, name, draft, drained)) === 'kept' ? 'kept' : 'draft_pull_request';
}

/** Waits in the queue like everybody; where it is full, comes again a few times. */
async function askPipeline(deps: JobDeps, id: string, request: TextRequest, span: Span): Promise<InferenceResult> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runOnce(deps, id, request, span);
    } catch (error) {
      if (!(error instanceof AppError) || !PASSING.includes(error.code) || attempt === MAX_ATTEMPTS) throw error;
      const waitMs = (error.retryAfterSeconds ?? 1) * 1000 * 2 ** (attempt - 1);
      deps.logger.info({ id, code: error.code, waitMs }, 'github waits');
      await pause(Math.min(waitMs, MAX_WAIT_MS), deps.stopping);
    }
  }
}

async function runOnce(deps: JobDeps, id: string, request: TextRequest, span: Span): Promise<InferenceResult> {
  let answered: InferenceResult | undefined;
  // A run that has begun may end when the server stops: only the end of the drain time ends it.
  const caller = { key: id, gone: deps.drained, span, onPinned: () => undefined };
  await runFor(deps, caller, 'pipeline', async (admitted) => {
    answered = await runTraced(deps.host, admitted, request);
    observePatches(deps, id, admitted, answered);
    return answered.result.status;
  });
  await keepForFeedback(deps, id, request, answered!, []);
  return answered!;
}

/** As much of a text as has no more bytes; the end of a long issue is what the model reads least. */
function firstBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  // A character that was cut in two is left out.
  return new TextDecoder().decode(bytes.subarray(0, Math.max(0, maxBytes)), { stream: true });
}
