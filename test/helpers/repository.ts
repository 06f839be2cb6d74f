import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** What a commit does besides its message. */
export interface CommitOptions {
  readonly author?: string;
  /** Seconds since 1970. */
  readonly time?: number;
}

/** A git repository that a test makes commit by commit; nothing of the user's settings counts. */
export class TestRepository {
  #time = 1_600_000_000;

  constructor(readonly folder: string) {
    mkdirSync(folder, { recursive: true });
    this.git(['init', '--quiet', '--initial-branch=main']);
  }

  /** Writes files (undefined deletes one) and commits them; a minute after the commit before, unless told. */
  commit(
    message: string,
    files: Readonly<Record<string, string | Buffer | undefined>>,
    options: CommitOptions = {},
  ): string {
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(this.folder, name);
      mkdirSync(path.dirname(file), { recursive: true });
      if (content === undefined) rmSync(file);
      else writeFileSync(file, content);
    }
    this.#time = options.time ?? this.#time + 60;
    this.git(['add', '--all']);
    this.git(['commit', '--quiet', '--allow-empty', '--message', message], { author: options.author });
    return this.git(['rev-parse', 'HEAD']).trim();
  }

  git(
    args: readonly string[],
    { author = 'Somebody', input = '' }: { author?: string | undefined; input?: string } = {},
  ): string {
    const date = `${this.#time} +0000`;
    return execFileSync('git', args, {
      cwd: this.folder,
      encoding: 'utf8',
      input,
      env: {
        PATH: process.env['PATH'],
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_AUTHOR_NAME: author,
        GIT_AUTHOR_EMAIL: 'somebody@example.org',
        GIT_AUTHOR_DATE: date,
        GIT_COMMITTER_NAME: author,
        GIT_COMMITTER_EMAIL: 'somebody@example.org',
        GIT_COMMITTER_DATE: date,
      },
    });
  }
}
