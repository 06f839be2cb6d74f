import { open, readFile, rename, type FileHandle } from 'node:fs/promises';
import type { MinedEdit } from './commit-rows.js';
import type { MinedPart } from './part.js';

/** What mining gave. */
export interface MiningSummary {
  readonly rows: number;
  /** Commits and hunks that gave no row, by reason. */
  readonly dropped: ReadonlyMap<string, number>;
  /** Times of the first and the last row, ISO 8601; empty if there are none. */
  readonly from: string;
  readonly to: string;
}

/**
 * Joins the parts of each repository into one file of rows, oldest first, and `….dropped.jsonl` beside it. An edit
 * that was there before is dropped. Both files are whole whenever they are there.
 */
export async function writeRows(repositories: readonly (readonly string[])[], out: string): Promise<MiningSummary> {
  const dropped = new Map<string, number>();
  const known = new Set<string>();
  const times: string[] = [];
  const rows = await open(`${out}.partial`, 'w');
  const drops = await open(`${droppedFile(out)}.partial`, 'w');
  const drop = async (entry: MinedPart['dropped'][number]): Promise<void> => {
    dropped.set(entry.reason, (dropped.get(entry.reason) ?? 0) + 1);
    await writeLine(drops, entry);
  };
  try {
    for await (const { row, fingerprint } of byTime(repositories.map((files) => editsIn(files, drop)))) {
      if (known.has(fingerprint)) {
        const { repository, commit, files } = row;
        await drop({ repository, commit, reason: 'duplicate', path: files[0]!.path });
        continue;
      }
      known.add(fingerprint);
      times.push(row.time);
      await writeLine(rows, row);
    }
    await rows.sync();
    await drops.sync();
  } finally {
    await rows.close();
    await drops.close();
  }
  await rename(`${droppedFile(out)}.partial`, droppedFile(out));
  await rename(`${out}.partial`, out);
  return { rows: times.length, dropped, from: times[0] ?? '', to: times.at(-1) ?? '' };
}

/** Where the list of what was left out lies. */
export function droppedFile(out: string): string {
  return `${out.replace(/\.jsonl$/, '')}.dropped.jsonl`;
}

async function writeLine(file: FileHandle, value: object): Promise<void> {
  await file.write(`${JSON.stringify(value)}\n`);
}

/** The edits of a repository, oldest first; one part is in memory at a time. */
async function* editsIn(
  files: readonly string[],
  drop: (entry: MinedPart['dropped'][number]) => Promise<void>,
): AsyncGenerator<MinedEdit> {
  for (const file of files) {
    const part = JSON.parse(await readFile(file, 'utf8')) as MinedPart;
    for (const entry of part.dropped) await drop(entry);
    yield* part.edits;
  }
}

/** Merges lists that are in order of time; of equal times the earlier list's comes first. */
async function* byTime(lists: readonly AsyncGenerator<MinedEdit>[]): AsyncGenerator<MinedEdit> {
  const heads = await Promise.all(lists.map((list) => list.next()));
  for (;;) {
    let first = -1;
    for (const [at, head] of heads.entries()) {
      if (head.done === true) continue;
      const best = heads[first];
      if (!best || (best.done !== true && head.value.row.time < best.value.row.time)) first = at;
    }
    const head = heads[first];
    if (!head || head.done === true) return;
    yield head.value;
    heads[first] = await lists[first]!.next();
  }
}
