import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../platform/atomic-file.js';
import { StoreError } from '../releases/journal.js';
import type { FeedbackRecord } from './record.js';

/** A record as it lies on disk. */
export interface StoredRecord {
  readonly file: string;
  readonly bytes: number;
  readonly record: FeedbackRecord;
}

/** Writes a record under its id, whole or not at all. Returns its bytes. */
export async function writeRecord(folder: string, record: FeedbackRecord): Promise<number> {
  const text = JSON.stringify(record);
  await writeFileAtomic(join(folder, `${record.id}.json`), text, 0o600);
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
