import type { GitRepository } from './git.js';
import { isOwnSource, SOURCE_PATHS } from './source-language.js';

/** Lines around an edit that git shows: edits with less than twice as many between them are one hunk. */
const CONTEXT_LINES = 40;
/** Larger commits are not read to their end. */
export const MAX_COMMIT = { hunks: 4, changedLines: 40 } as const;
const MAX_MESSAGE_CHARACTERS = 8000;

/** A commit by its place in history. */
export interface CommitId {
  readonly sha: string;
  /** Seconds since 1970 by the committer's clock. */
  readonly time: number;
  readonly parents: number;
}

/** A hunk of a file of source code. */
export interface CommitHunk {
  readonly path: string;
  /** The file before, git's id of its content. */
  readonly blob: string;
  /** `@@ …` and what follows, as in a unified diff. */
  readonly lines: string[];
}

/** What a commit did to the source code, as far as it is small. */
export interface SourceCommit {
  readonly sha: string;
  /** `name <address>` */
  readonly author: string;
  readonly message: string;
  readonly hunks: CommitHunk[];
  readonly changedLines: number;
}

/** All commits before HEAD, oldest first; equal times by hash, so the order is always the same. */
export async function commitsOf(repository: GitRepository): Promise<CommitId[]> {
  const commits: CommitId[] = [];
  for await (const line of repository.lines(['rev-list', '--timestamp', '--parents', 'HEAD'])) {
    const [time, sha, ...parents] = line.split(' ') as [string, string, ...string[]];
    commits.push({ sha, time: Number(time), parents: parents.length });
  }
  return commits.sort((a, b) => a.time - b.time || (a.sha < b.sha ? -1 : 1));
}

/** The given commits that change lines of source files, with those changes; others do not appear. */
export async function* sourceCommits(repository: GitRepository, shas: readonly string[]): AsyncGenerator<SourceCommit> {
  const lines = repository.lines(
    [
      ...['diff-tree', '--stdin', '-r', '-p', `-U${CONTEXT_LINES}`, '--no-renames', '--diff-filter=M', '--full-index'],
      ...['--diff-algorithm=histogram', '--no-color', '--no-ext-diff', '--no-textconv'],
      ...['--format=%x01%H%x02%an <%ae>%x02%B%x03', '--', ...SOURCE_PATHS],
    ],
    shas.map((sha) => `${sha}\n`).join(''),
  );
  let reader: CommitReader | undefined;
  for await (const line of lines) {
    if (line.startsWith('\x01')) {
      if (reader) yield reader;
      reader = new CommitReader(line);
    } else {
      reader?.take(line);
    }
  }
  if (reader) yield reader;
}

/** Reads the lines of one commit; keeps no more of it than counts. */
class CommitReader implements SourceCommit {
  readonly sha: string;
  readonly author: string;
  readonly hunks: CommitHunk[] = [];
  message = '';
  changedLines = 0;
  #inMessage = true;
  #path = '';
  #blob = '';
  #hunk: CommitHunk | undefined;

  constructor(header: string) {
    const [sha, author, ...message] = header.slice(1).split('\x02') as [string, string, ...string[]];
    this.sha = sha;
    this.author = author;
    this.#takeMessage(message.join('\x02'));
  }

  take(line: string): void {
    if (this.#inMessage) {
      this.#takeMessage(line);
    } else if (line.startsWith('diff --git ')) {
      this.#hunk = undefined;
      const path = /^diff --git a\/(.*) b\/\1$/.exec(line)?.[1] ?? '';
      this.#path = path !== '' && isOwnSource(path) ? path : '';
    } else if (this.#path === '') {
      return;
    } else if (line.startsWith('@@ ')) {
      this.#hunk = { path: this.#path, blob: this.#blob, lines: [line] };
      if (this.hunks.length <= MAX_COMMIT.hunks) this.hunks.push(this.#hunk);
    } else if (this.#hunk) {
      if (line.startsWith('+') || line.startsWith('-')) this.changedLines++;
      if (this.changedLines <= MAX_COMMIT.changedLines) this.#hunk.lines.push(line);
    } else {
      this.#blob = /^index ([0-9a-f]+)\.\./.exec(line)?.[1] ?? this.#blob;
    }
  }

  #takeMessage(text: string): void {
    this.#inMessage = !text.endsWith('\x03');
    if (this.message.length < MAX_MESSAGE_CHARACTERS) this.message += `${this.#inMessage ? text : text.slice(0, -1)}\n`;
  }
}
