import { open, readFile, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError, syncFolder } from '../releases/journal.js';
import type { FeedbackRecord } from './record.js';

/** A record as it lies on disk. */
export interface StoredRecord {
  readonly file: string;
  readonly bytes: number;
  readonly record: FeedbackRecord;
}

/**
 * Writes a record under its id: to a temporary name, flushed, renamed, the folder flushed. After a crash at any moment the file
 * is the old one or the new one. Returns its bytes.
 */
export async function writeRecord(folder: string, record: FeedbackRecord): Promise<number> {
  const text = JSON.stringify(record);
  const file = join(folder, `${record.id}.json`);
  const handle = await open(`${file}.tmp`, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.tmp`, file);
  await syncFolder(folder);
  return Buffer.byteLength(text);
}

/** The records of a folder, in no order. Files that go away meanwhile are passed over. Throws StoreError when one is damaged. */
export async function* readRecords(folder: string): AsyncGenerator<StoredRecord> {
  for (const name of (await readdir(folder)).filter((entry) => entry.endsWith('.json'))) {
    const file = join(folder, name);
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw error;
    }
    let record: FeedbackRecord;
    try {
      record = JSON.parse(text) as FeedbackRecord;
    } catch (cause) {
      throw new StoreError(`${file} is damaged. Restore it from a copy, or remove it.`, { cause });
    }
    yield { file, bytes: Buffer.byteLength(text), record };
  }
}
