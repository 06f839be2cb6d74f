import type { SyntaxChecker } from '../../pipeline/syntax.js';
import { faultOfCommit, rowOfHunk, type MinedEdit, type MiningDrop } from './commit-rows.js';
import { sourceCommits, type CommitId, type SourceCommit } from './commit-stream.js';
import type { GitRepository } from './git.js';

/** What a stretch of a repository's history gives, in its order. */
export interface MinedPart {
  readonly edits: readonly MinedEdit[];
  readonly dropped: readonly MiningDrop[];
}

/** Mines some commits of a repository, which rows call `name`. Throws as `GitRepository.read`. */
export async function minePart(
  repository: GitRepository,
  name: string,
  commits: readonly CommitId[],
  checker: SyntaxChecker,
): Promise<MinedPart> {
  const dropped: MiningDrop[] = [];
  const drop = (commit: string, reason: MiningDrop['reason'], path?: string): void => {
    dropped.push({ repository: name, commit, reason, ...(path !== undefined && { path }) });
  };
  const small = new Map<string, SourceCommit>();
  const single = commits.filter(({ parents }) => parents < 2).map(({ sha }) => sha);
  const faults = new Map<string, MiningDrop['reason']>();
  for await (const commit of sourceCommits(repository, single)) {
    const fault = faultOfCommit(commit);
    if (fault === undefined) small.set(commit.sha, commit);
    else faults.set(commit.sha, fault);
  }
  const contents = await contentsOf(
    repository,
    [...small.values()].flatMap(({ hunks }) => hunks.map(({ blob }) => blob)),
  );
  const edits: MinedEdit[] = [];
  for (const { sha, time, parents } of commits) {
    const commit = small.get(sha);
    if (!commit) {
      drop(sha, parents < 2 ? (faults.get(sha) ?? 'no_source_change') : 'merge');
      continue;
    }
    const origin = { repository: name, commit: sha, time: new Date(1000 * time).toISOString() };
    for (const hunk of commit.hunks) {
      const edit = rowOfHunk(hunk, contents.get(hunk.blob)!, { ...origin, message: commit.message }, checker);
      if (typeof edit === 'string') drop(sha, edit, hunk.path);
      else edits.push(edit);
    }
  }
  return { edits, dropped };
}

/** The contents of blobs by their ids. */
async function contentsOf(repository: GitRepository, ids: readonly string[]): Promise<Map<string, Uint8Array>> {
  const contents = new Map<string, Uint8Array>();
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return contents;
  const output = await repository.read(['cat-file', '--batch'], wanted.map((id) => `${id}\n`).join(''));
  let position = 0;
  for (const id of wanted) {
    // `<id> blob <size>`, the content, a line feed.
    const start = output.indexOf('\n', position) + 1;
    const end = start + Number(output.toString('latin1', position, start).split(' ')[2]);
    contents.set(id, output.subarray(start, end));
    position = end + 1;
  }
  return contents;
}
