import { isUtf8 } from 'node:buffer';
import { lstat, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isCandidate, isVendored } from '../server/source-paths.js';
import { git } from './git.js';

/** A text file of a repository. */
export interface TextFile {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly content: string;
}

/** What was found, and what was left out. */
export interface RepositoryFiles {
  readonly files: readonly TextFile[];
  /** Files that were not read because there are too many. */
  readonly left: number;
}

/** Where to look and how much to read. */
export interface RepositoryOptions {
  readonly repo: string;
  /** Tests are rarely where the fault is, and their words fit the issue only too well. */
  readonly includeTests: boolean;
  /** UTF-8 bytes of one file. */
  readonly maxFileBytes: number;
  readonly signal?: AbortSignal;
}

const maxFiles = 20_000;
const maxTotalBytes = 64 * 2 ** 20;

/**
 * The source files of a folder: in a git repository what git knows or would add, elsewhere everything that is not hidden.
 * Without links, vendored and generated code, binary and too large files.
 */
export async function readRepository(options: RepositoryOptions): Promise<RepositoryFiles> {
  const { repo, includeTests, maxFileBytes, signal } = options;
  const known = await pathsOfGit(repo);
  // A folder that the repository around it ignores has no paths either.
  const all = known.length > 0 ? known : await walk(repo);
  const paths = all.filter((path) => isCandidate(path, includeTests)).sort();
  const files: TextFile[] = [];
  let bytes = 0;
  let read = 0;
  for (const path of paths) {
    signal?.throwIfAborted();
    if (files.length >= maxFiles || bytes >= maxTotalBytes) break;
    read += 1;
    const content = await readText(join(repo, path), maxFileBytes);
    if (content === undefined || content === '') continue;
    files.push({ path, content });
    bytes += content.length;
  }
  return { files, left: paths.length - read };
}

/** Paths below the folder that git tracks or would add; none if this is no git repository. */
async function pathsOfGit(repo: string): Promise<string[]> {
  const { code, stdout } = await git(repo, ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  if (code !== 0) return [];
  const paths = new Set(stdout.toString('utf8').split('\0'));
  paths.delete('');
  return [...paths];
}

async function walk(repo: string, folder = ''): Promise<string[]> {
  const entries = await readdir(join(repo, folder), { withFileTypes: true }).catch(() => []);
  const found: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory() && !isVendored(path)) found.push(...(await walk(repo, path)));
    else if (entry.isFile()) found.push(path);
  }
  return found;
}

/** The text of a regular file; undefined for links, binary, too large and unreadable ones. */
async function readText(file: string, maxBytes: number): Promise<string | undefined> {
  try {
    const status = await lstat(file);
    if (!status.isFile() || status.size > maxBytes) return undefined;
    const bytes = await readFile(file);
    return isUtf8(bytes) && !bytes.includes(0) ? bytes.toString('utf8') : undefined;
  } catch {
    return undefined;
  }
}
