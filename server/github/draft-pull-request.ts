import { applyPatch } from 'diff';
import type { ProposedPatch } from '../../pipeline/types.js';
import { GitHubError, type GitHubApi } from './api.js';
import type { RepositoryName } from './comment.js';
import type { RepositoryVersion, TextFile } from './repository.js';

/** A patch and where it goes. */
export interface Draft {
  readonly issue: number;
  readonly title: string;
  readonly body: string;
  /** Branch that the pull request asks to change. */
  readonly baseBranch: string;
  readonly version: RepositoryVersion;
  readonly patch: ProposedPatch;
  /** The files that the patch was made for. */
  readonly files: readonly TextFile[];
}

const MAX_TITLE_CHARACTERS = 120;

/** The branch of an issue's draft. */
export function branchOf(issue: number): string {
  return `agentic-seq2seq/issue-${issue}`;
}

/**
 * Opens a draft pull request with the patch as one commit on the version that was read. One that is open already is left alone:
 * people may have worked on it. Throws GitHubError.
 */
export async function openDraft(
  api: GitHubApi,
  name: RepositoryName,
  draft: Draft,
  signal: AbortSignal,
): Promise<'opened' | 'kept'> {
  const branch = branchOf(draft.issue);
  const isOpen = async (): Promise<boolean> => {
    const head = `${name.owner}:${branch}`;
    const found = await api.call<unknown[]>(
      'GET /repos/{owner}/{repo}/pulls',
      { ...name, head, state: 'open' },
      signal,
    );
    return found.length > 0;
  };
  if (await isOpen()) return 'kept';
  await pointBranch(api, name, branch, await commitPatch(api, name, draft, signal), signal);
  try {
    await api.call(
      'POST /repos/{owner}/{repo}/pulls',
      { ...name, title: titleOf(draft), head: branch, base: draft.baseBranch, body: draft.body, draft: true },
      signal,
    );
  } catch (error) {
    // A repeated call meets what the lost one made.
    if (!isRefused(error) || !(await isOpen())) throw error;
  }
  return 'opened';
}

async function commitPatch(
  api: GitHubApi,
  name: RepositoryName,
  { issue, title, version, patch, files }: Draft,
  signal: AbortSignal,
): Promise<string> {
  const tree: object[] = [];
  for (const path of patch.files) {
    const before = files.find((file) => file.path === path);
    const entry = version.entries.get(path);
    const after = before && applyPatch(before.content, patch.diff, { autoConvertLineEndings: false });
    if (!entry || after === undefined || after === false)
      throw new Error(`This is a bug: no patch for ${patch.files.length} files.`);
    const content = Buffer.from(after).toString('base64');
    const route = 'POST /repos/{owner}/{repo}/git/blobs';
    const { sha } = await api.call<{ sha: string }>(route, { ...name, content, encoding: 'base64' }, signal);
    tree.push({ path, mode: entry.mode, type: 'blob', sha });
  }
  const made = await api.call<{ sha: string }>(
    'POST /repos/{owner}/{repo}/git/trees',
    { ...name, base_tree: version.tree, tree },
    signal,
  );
  const message = `${titleOf({ title, issue })}\n\nFor #${issue}.`;
  const commit = await api.call<{ sha: string }>(
    'POST /repos/{owner}/{repo}/git/commits',
    { ...name, message, tree: made.sha, parents: [version.commit] },
    signal,
  );
  return commit.sha;
}

/** A branch that is there without an open pull request is left over from a closed one or from a crash. */
async function pointBranch(
  api: GitHubApi,
  name: RepositoryName,
  branch: string,
  sha: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await api.call('POST /repos/{owner}/{repo}/git/refs', { ...name, ref: `refs/heads/${branch}`, sha }, signal);
  } catch (error) {
    if (!isRefused(error)) throw error;
    const route = 'PATCH /repos/{owner}/{repo}/git/refs/{ref}';
    await api.call(route, { ...name, ref: `heads/${branch}`, sha, force: true }, signal);
  }
}

function isRefused(error: unknown): boolean {
  return error instanceof GitHubError && error.status === 422;
}

function titleOf({ title, issue }: Pick<Draft, 'title' | 'issue'>): string {
  const line = title.replace(/\s+/g, ' ').trim();
  const short = line.length > MAX_TITLE_CHARACTERS ? `${line.slice(0, MAX_TITLE_CHARACTERS - 1)}…` : line;
  return `${short} (#${issue})`;
}
