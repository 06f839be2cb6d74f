import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { SyntaxChecker } from '../../pipeline/syntax.js';
import { writeJson } from '../evaluation/report.js';
import { commitsOf, type CommitId } from './commit-stream.js';
import { GitRepository } from './git.js';
import { writeRows, type MiningSummary } from './mined-rows.js';
import { minePart } from './part.js';

/** Commits that are mined at a time: the most that a kill can lose. */
const PART_COMMITS = 100;

/** A repository with what has to be mined of it. */
interface Source {
  readonly name: string;
  readonly repository: GitRepository;
  readonly parts: readonly { readonly file: string; readonly commits: readonly CommitId[] }[];
}

/** What to mine, and where it goes. */
export interface MiningOptions {
  /** Folders of git repositories. */
  readonly repositories: readonly string[];
  /** File of the rows. */
  readonly out: string;
  /** Told once how many parts there are, then after each. */
  readonly onPart?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Mines the history before HEAD of each repository into rows, oldest first. The output files appear whole, at the
 * end; a run that was stopped goes on where it was. Throws `TrainingError` (`repository_unreadable`), `ModelError`
 * (`aborted`).
 */
export async function mine({ repositories, out, onPart, signal }: MiningOptions): Promise<MiningSummary> {
  const folder = `${out}.parts`;
  await mkdir(folder, { recursive: true });
  const sources: Source[] = [];
  for (const repository of repositories) sources.push(await sourceOf(repository, folder, signal));
  const total = sources.reduce((sum, { parts }) => sum + parts.length, 0);
  let done = 0;
  onPart?.(done, total);
  const checker = await SyntaxChecker.load();
  try {
    for (const { repository, name, parts } of sources) {
      for (const { file, commits } of parts) {
        // A part that is there is whole.
        if (!existsSync(file)) await writeJson(file, await minePart(repository, name, commits, checker));
        onPart?.(++done, total);
      }
    }
  } finally {
    checker.dispose();
  }
  const files = sources.map(({ parts }) => parts.map(({ file }) => file));
  const summary = await writeRows(files, out);
  await rm(folder, { recursive: true });
  return summary;
}

/** Parts are named by folder and HEAD, so that they are never those of another history. */
async function sourceOf(folder: string, partsFolder: string, signal?: AbortSignal): Promise<Source> {
  const repository = new GitRepository(folder, signal);
  const head = (await repository.read(['rev-parse', 'HEAD'])).toString().trim();
  const place = path.resolve(folder);
  const id = createHash('sha256').update(`${place} ${head}`).digest('hex').slice(0, 16);
  const commits = await commitsOf(repository);
  const parts = Array.from({ length: Math.ceil(commits.length / PART_COMMITS) }, (_, number) => ({
    file: path.join(partsFolder, id, `${number}.json`),
    commits: commits.slice(number * PART_COMMITS, (number + 1) * PART_COMMITS),
  }));
  return { name: path.basename(place).replace(/\.git$/, ''), repository, parts };
}
