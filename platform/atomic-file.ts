import { randomBytes } from 'node:crypto';
import { open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file so that a reader, and whoever looks after a crash, sees the old file or the whole new one: to a temporary name
 * beside it, flushed, renamed, the folder flushed. `mode` counts for a new file (default 0o666 less the umask). Throws what the
 * file system throws; the temporary file is gone then.
 */
export async function writeFileAtomic(file: string, contents: string | Uint8Array, mode = 0o666): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.writeFile(contents);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(file));
}

/** Flushes a folder, so that files created or renamed in it are there after a crash. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
