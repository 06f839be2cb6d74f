import { isUtf8 } from 'node:buffer';
import { namedPaths, rankPaths } from '../../pipeline/path-search.js';
import type { PatchRequest } from '../../pipeline/types.js';
import { pathFault } from '../request-checks.js';
import { isCandidate } from '../source-paths.js';
import { GitHubError, type GitHubApi } from './api.js';
import type { RepositoryName } from './comment.js';

/** A file of a repository at one commit. */
interface TreeEntry {
  readonly mode: string;
  readonly sha: string;
  readonly size: number;
}

/** A commit and its files; links and submodules are left out. */
export interface RepositoryVersion {
  readonly commit: string;
  readonly tree: string;
  readonly entries: ReadonlyMap<string, TreeEntry>;
}

/** A file that was read. */
export interface TextFile {
  readonly path: string;
  readonly content: string;
}

/** How much is read. */
export interface ReadLimits {
  readonly maxFiles: number;
  /** Bytes of all files. */
  readonly maxBytes: number;
  /** Bytes of one file. */
  readonly maxFileBytes: number;
}

/** Names beyond these are not looked at. */
const MAX_PATHS = 20_000;
const REGULAR = ['100644', '100755'];

/** What a branch points to now. Throws GitHubError. */
export async function readVersion(
  api: GitHubApi,
  name: RepositoryName,
  branch: string,
  signal: AbortSignal,
): Promise<RepositoryVersion> {
  const ref = await api.call<{ object: { sha: string } }>(
    'GET /repos/{owner}/{repo}/git/ref/{ref}',
    { ...name, ref: `heads/${branch}` },
    signal,
  );
  const commit = ref.object.sha;
  const { tree } = await api.call<{ tree: { sha: string } }>(
    'GET /repos/{owner}/{repo}/git/commits/{commit_sha}',
    { ...name, commit_sha: commit },
    signal,
  );
  const listed = await api.call<{ tree: { path: string; mode: string; type: string; sha: string; size?: number }[] }>(
    'GET /repos/{owner}/{repo}/git/trees/{tree_sha}',
    { ...name, tree_sha: tree.sha, recursive: '1' },
    signal,
  );
  const entries = new Map<string, TreeEntry>();
  for (const { path, mode, type, sha, size = 0 } of listed.tree) {
    if (type === 'blob' && REGULAR.includes(mode) && pathFault(path) === undefined)
      entries.set(path, { mode, sha, size });
  }
  return { commit, tree: tree.sha, entries };
}

/**
 * The files that an issue names or, if it names none, source files whose paths fit its words, best first. What is too large, binary
 * or gone is passed over. Throws GitHubError.
 */
export async function readIssueFiles(
  api: GitHubApi,
  name: RepositoryName,
  version: RepositoryVersion,
  issue: PatchRequest['issue'],
  { maxFiles, maxBytes, maxFileBytes }: ReadLimits,
  signal: AbortSignal,
): Promise<TextFile[]> {
  const files: TextFile[] = [];
  let bytes = 0;
  for (const path of await pathsFor(issue, [...version.entries.keys()])) {
    if (files.length === maxFiles) break;
    const { sha, size } = version.entries.get(path)!;
    if (size === 0 || size > maxFileBytes || bytes + size > maxBytes) continue;
    const content = await readBlob(api, name, sha, signal);
    if (content === undefined) continue;
    files.push({ path, content });
    bytes += size;
  }
  return files;
}

async function pathsFor(issue: PatchRequest['issue'], paths: readonly string[]): Promise<string[]> {
  const named = namedPaths(issue, paths);
  if (named.length > 0) return named;
  return rankPaths(issue, paths.filter((path) => isCandidate(path, false)).slice(0, MAX_PATHS));
}

/** Undefined for what is no text, and for what is gone. */
async function readBlob(
  api: GitHubApi,
  name: RepositoryName,
  sha: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const route = 'GET /repos/{owner}/{repo}/git/blobs/{file_sha}';
    const { content } = await api.call<{ content: string }>(route, { ...name, file_sha: sha }, signal);
    const bytes = Buffer.from(content, 'base64');
    return isUtf8(bytes) && !bytes.includes(0) ? bytes.toString('utf8') : undefined;
  } catch (error) {
    if (error instanceof GitHubError && error.status === 404) return undefined;
    throw error;
  }
}
