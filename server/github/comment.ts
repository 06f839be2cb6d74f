import type { GitHubApi } from './api.js';
import { markerText, readMarker, type Marker } from './marker.js';

/** A repository as routes name it. */
export interface RepositoryName {
  readonly owner: string;
  readonly repo: string;
}

/** A comment of an issue, as far as it matters. */
export interface IssueComment {
  readonly id: number;
  readonly body?: string | null;
  readonly user?: { readonly type?: string } | null;
}

const PAGE = 100;
/** Comments beyond these are not looked at. */
const MAX_PAGES = 10;

/** How a comment is found again. */
export interface CommentOptions {
  readonly marker: Marker;
  /** The first signs, all are known. */
  readonly secrets: readonly string[];
  /** What else a comment must be to count as one's own. */
  readonly isOwn?: (comment: IssueComment) => boolean;
}

/**
 * Writes the one comment of an issue: the first one that carries a marker for the issue is changed, otherwise a new one is posted.
 * Looking comes before each attempt at posting, so an answer of the API that got lost makes no second comment. Throws GitHubError.
 */
export async function putComment(
  api: GitHubApi,
  name: RepositoryName,
  text: string,
  options: CommentOptions,
  signal: AbortSignal,
): Promise<'posted' | 'edited'> {
  const { marker, secrets, isOwn = () => true } = options;
  const body = `${text}\n\n${markerText(marker, secrets[0] ?? '')}`;
  const isSame = (comment: IssueComment): boolean =>
    readMarker(comment.body ?? '', marker.repository, secrets)?.issue === marker.issue && isOwn(comment);
  return api.repeated(async () => {
    const found = await findComment(api, name, marker.issue, isSame, signal);
    if (found) {
      await api.once(
        'PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}',
        { ...name, comment_id: found.id, body },
        signal,
      );
      return 'edited';
    }
    await api.once(
      'POST /repos/{owner}/{repo}/issues/{issue_number}/comments',
      { ...name, issue_number: marker.issue, body },
      signal,
    );
    return 'posted';
  }, signal);
}

/** From the oldest on: whoever copies a marker comes after it. */
async function findComment(
  api: GitHubApi,
  name: RepositoryName,
  issue: number,
  isWanted: (comment: IssueComment) => boolean,
  signal: AbortSignal,
): Promise<IssueComment | undefined> {
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const comments = await api.once<IssueComment[]>(
      'GET /repos/{owner}/{repo}/issues/{issue_number}/comments',
      { ...name, issue_number: issue, per_page: PAGE, page },
      signal,
    );
    const found = comments.find(isWanted);
    if (found) return found;
    if (comments.length < PAGE) return undefined;
  }
  return undefined;
}
