import { AppError } from '../errors.js';
import type { Contract } from '../openapi.js';
import type { RepositoryName } from './comment.js';

/** The repository that an event is about. */
export interface EventRepository extends RepositoryName {
  readonly id: number;
  readonly defaultBranch: string;
}

/** An issue that got the label. */
export interface LabeledIssue {
  readonly type: 'labeled';
  readonly repository: EventRepository;
  readonly issue: number;
  readonly title: string;
  readonly body: string;
}

/** A pull request from a branch of the repository that was closed. */
export interface ClosedPullRequest {
  readonly type: 'closed';
  readonly repository: EventRepository;
  readonly branch: string;
  readonly body: string;
  readonly merged: boolean;
}

interface RepositoryPayload {
  readonly id: number;
  readonly name: string;
  readonly owner: { readonly login: string };
  readonly default_branch: string;
}

interface IssuesPayload {
  readonly action: string;
  readonly label?: { readonly name: string };
  readonly issue: {
    readonly number: number;
    readonly title: string;
    readonly body?: string | null;
    readonly state?: string;
  };
  readonly repository: RepositoryPayload;
}

interface PullRequestPayload {
  readonly action: string;
  readonly pull_request: {
    readonly merged?: boolean | null;
    readonly body?: string | null;
    readonly head: { readonly ref: string; readonly repo?: { readonly id: number } | null };
  };
  readonly repository: RepositoryPayload;
}

/** What an event asks for; undefined for all that nothing is done about. Throws AppError `invalid_request` for a payload that is none of GitHub's. */
export function readEvent(
  name: string,
  payload: unknown,
  label: string,
  contract: Contract,
): LabeledIssue | ClosedPullRequest | undefined {
  if (name === 'issues') {
    const { action, label: given, issue, repository } = checked('GitHubIssues', payload, contract) as IssuesPayload;
    if (action !== 'labeled' || given?.name !== label || issue.state === 'closed') return undefined;
    const { number, title, body } = issue;
    return { type: 'labeled', repository: repositoryOf(repository), issue: number, title, body: body ?? '' };
  }
  if (name === 'pull_request') {
    const { action, pull_request, repository } = checked('GitHubPullRequest', payload, contract) as PullRequestPayload;
    const { head, body, merged } = pull_request;
    // A fork may carry a copy of a marker.
    if (action !== 'closed' || head.repo?.id !== repository.id) return undefined;
    const { ref: branch } = head;
    return { type: 'closed', repository: repositoryOf(repository), branch, body: body ?? '', merged: merged === true };
  }
  return undefined;
}

function checked(schema: string, payload: unknown, contract: Contract): unknown {
  const details = contract.schema(schema)(payload);
  if (details.length > 0) throw new AppError('invalid_request', 'The event does not fit the contract.', { details });
  return payload;
}

function repositoryOf({ id, name, owner, default_branch }: RepositoryPayload): EventRepository {
  return { id, owner: owner.login, repo: name, defaultBranch: default_branch };
}
