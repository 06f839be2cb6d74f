import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createRandom, type Random } from '../../model/random.js';

/** `[start, end, lines]`: the window's lines start…end - 1 are replaced. */
export type WindowEdit = readonly [start: number, end: number, lines: readonly string[]];

/** Where an edit comes from: a commit, or a fault put into sound code. */
export const ROW_KINDS = ['commit', 'injected'] as const;

export type RowKind = (typeof ROW_KINDS)[number];

/** An edit of a repository that training never saw, as training/pretrain/heldout.py writes it. */
export interface HeldOutRow {
  readonly kind: RowKind;
  readonly issue: { readonly title: string; readonly body: string };
  readonly path: string;
  /** The window that training would show: heading, first line in the file (1-based), lines. */
  readonly heading: string;
  readonly startLine: number;
  readonly lines: readonly string[];
  readonly edits: readonly WindowEdit[];
  /** The whole file before the edit. */
  readonly content: string;
  readonly sourceIds: readonly number[];
  /** From `<|problem|>` to the end of the hint. */
  readonly analysisIds: readonly number[];
  /** Hunks, without `<|patch|>` before and the end symbol after them. */
  readonly patchIds: readonly number[];
}

interface StoredRow {
  readonly issue: HeldOutRow['issue'];
  readonly path: string;
  readonly heading: string;
  readonly start_line: number;
  readonly lines: readonly string[];
  readonly edits: readonly WindowEdit[];
  readonly content: string;
  readonly source_ids: readonly number[];
  readonly analysis_ids: readonly number[];
  readonly patch_ids: readonly number[];
}

/** Lines kept by chance while a file goes by, each with the same probability. */
class Reservoir {
  readonly kept: { readonly position: number; readonly line: string }[] = [];
  #seen = 0;

  constructor(
    private readonly size: number,
    private readonly random: Random,
  ) {}

  offer(position: number, line: string): void {
    this.#seen++;
    const place = this.kept.length < this.size ? this.kept.length : Math.floor(this.random() * this.#seen);
    if (place < this.size) this.kept[place] = { position, line };
  }
}

const KIND = /^\{"kind": ?"(commit|injected)/;

/** Makes a row of an edit in another format; undefined if it cannot be used, `not_a_row` if it is no edit. */
export type RowMaker = (value: unknown) => HeldOutRow | 'not_a_row' | undefined;

/** Edits in other formats are drawn in advance, so that some may turn out to be of no use. */
const SPARE = 3;

/**
 * `count` rows of a file drawn by the seed, in the file's order. Of rows with tokens half are commits and half injected faults;
 * of edits in other formats, which `rowOf` makes rows of, those of no use are left out. Only the rows drawn are parsed.
 * Throws when a line is no row.
 */
export async function readHeldOut(file: string, count: number, seed: number, rowOf?: RowMaker): Promise<HeldOutRow[]> {
  const halves = { commit: Math.ceil(count / 2), injected: Math.floor(count / 2) };
  const drawn = Object.fromEntries(
    ROW_KINDS.map((kind, stream) => [kind, new Reservoir(halves[kind], createRandom(seed, stream))]),
  ) as Record<RowKind, Reservoir>;
  const edits = new Reservoir(SPARE * count, createRandom(seed, ROW_KINDS.length));
  let position = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    position++;
    if (line.trim() === '') continue;
    const kind = KIND.exec(line)?.[1] as RowKind | undefined;
    if (kind) drawn[kind].offer(position, line);
    else if (rowOf) edits.offer(position, line);
    else throw new Error(`${file}:${position} is not a held-out row (it must begin with its kind).`);
  }
  const rows = ROW_KINDS.flatMap((kind) => drawn[kind].kept.map((kept) => ({ ...kept, kind })));
  rows.sort((a, b) => a.position - b.position);
  return [
    ...rows.map(({ line, kind }) => toRow(JSON.parse(line) as StoredRow, kind)),
    ...(rowOf ? usableEdits(file, edits.kept, count, rowOf) : []),
  ];
}

/** The first `count` edits, as they were drawn, that can be made rows of; in the file's order. */
function usableEdits(file: string, drawn: Reservoir['kept'], count: number, rowOf: RowMaker): HeldOutRow[] {
  const usable: { readonly position: number; readonly row: HeldOutRow }[] = [];
  for (const { position, line } of drawn) {
    if (usable.length === count) break;
    const row = rowOf(JSON.parse(line));
    if (row === 'not_a_row') throw new Error(`${file}:${position} is neither a held-out row nor an edit.`);
    if (row) usable.push({ position, row });
  }
  return usable.sort((a, b) => a.position - b.position).map(({ row }) => row);
}

function toRow(stored: StoredRow, kind: RowKind): HeldOutRow {
  const { issue, path, heading, lines, edits, content } = stored;
  return {
    kind,
    issue,
    path,
    heading,
    startLine: stored.start_line,
    lines,
    edits,
    content,
    sourceIds: stored.source_ids,
    analysisIds: stored.analysis_ids,
    patchIds: stored.patch_ids,
  };
}

/** The whole file after the row's edits. */
export function expectedContent({ content, edits, startLine }: HeldOutRow): string {
  const lines = content.split('\n');
  for (const [start, end, added] of [...edits].reverse()) {
    lines.splice(startLine - 1 + start, end - start, ...added);
  }
  return lines.join('\n');
}

/** Whether two texts are the same file; how lines end is not compared, since windows do not show it. */
export function isSameFile(a: string, b: string): boolean {
  const plain = (text: string): string => text.replace(/\r$/gm, '');
  return plain(a) === plain(b);
}
