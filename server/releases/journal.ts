import { createHash } from 'node:crypto';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder, writeFileAtomic } from '../../platform/atomic-file.js';
import type { HistoryEntry } from './state.js';

/** Entries kept when the journal is made shorter, and in memory. */
const KEPT = 100;
const MAX_LINES = 1000;

/** The store on disk is not one this program wrote; what it served cannot be known. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/**
 * The history of labels on disk: one line per change, each `hash entry`, the hash over the entry's JSON. A line counts once it is
 * whole, so a process that ends at any moment leaves the old or the new state. An unfinished last line is cut off; any other fault
 * is reported, because to guess could serve an agent nobody published.
 */
export class Journal {
  readonly #file: string;
  #handle: FileHandle;
  #lines: number;
  #entries: HistoryEntry[];

  private constructor(file: string, handle: FileHandle, entries: HistoryEntry[]) {
    this.#file = file;
    this.#handle = handle;
    this.#entries = entries.slice(-KEPT);
    this.#lines = entries.length;
  }

  /** Opens or creates the file. Throws StoreError when it is damaged. */
  static async open(file: string): Promise<Journal> {
    const handle = await open(file, 'a');
    try {
      const bytes = await readFile(file);
      const end = bytes.lastIndexOf(0x0a) + 1;
      const entries = parse(bytes.subarray(0, end).toString('utf8'), file);
      if (end < bytes.length) {
        await handle.truncate(end);
        await handle.sync();
      }
      await syncFolder(dirname(file));
      return new Journal(file, handle, entries);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The latest entries, oldest first. */
  get entries(): readonly HistoryEntry[] {
    return this.#entries;
  }

  /** Writes a change through to the disk. When it rejects, the change did not happen. */
  async append(change: Omit<HistoryEntry, 'seq' | 'time'>): Promise<HistoryEntry> {
    const entry: HistoryEntry = {
      seq: (this.#entries.at(-1)?.seq ?? 0) + 1,
      time: new Date().toISOString(),
      ...change,
    };
    if (this.#lines >= MAX_LINES) await this.#shorten();
    const { size } = await this.#handle.stat();
    try {
      await this.#handle.appendFile(format(entry));
      await this.#handle.sync();
    } catch (error) {
      await this.#handle.truncate(size).catch(() => undefined);
      throw error;
    }
    this.#lines += 1;
    this.#entries = [...this.#entries, entry].slice(-KEPT);
    return entry;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #shorten(): Promise<void> {
    await writeFileAtomic(this.#file, this.#entries.map(format).join(''));
    await this.#handle.close();
    this.#handle = await open(this.#file, 'a');
    this.#lines = this.#entries.length;
  }
}

function format(entry: HistoryEntry): string {
  const json = JSON.stringify(entry);
  return `${hashOf(json)} ${json}\n`;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function parse(text: string, file: string): HistoryEntry[] {
  const entries: HistoryEntry[] = [];
  for (const [index, line] of text.split('\n').slice(0, -1).entries()) {
    const json = line.slice(65);
    if (line[64] !== ' ' || line.slice(0, 64) !== hashOf(json)) {
      throw new StoreError(
        `${file}, line ${index + 1}, is damaged. Restore the folder from a copy, or remove it to start anew.`,
      );
    }
    const entry = JSON.parse(json) as HistoryEntry;
    const last = entries.at(-1);
    if (last && entry.seq !== last.seq + 1) throw new StoreError(`${file}: entry ${last.seq + 1} is missing.`);
    entries.push(entry);
  }
  return entries;
}
