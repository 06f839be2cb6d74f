import { constants, type Stats } from 'node:fs';
import { lstat, open, realpath, rm } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { AppError, ClientGoneError } from '../errors.js';

/**
 * Writes a stream to a new file, flushed. What is not whole does not stay. Throws AppError `agent_too_large` as soon as more than
 * `maxBytes` came, ClientGoneError when the stream breaks off.
 */
export async function receive(stream: AsyncIterable<Buffer>, file: string, maxBytes: number): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    let total = 0;
    const chunks = stream[Symbol.asyncIterator]();
    for (;;) {
      const next = await chunks.next().catch((cause: unknown) => {
        throw new ClientGoneError('The upload broke off.', { cause });
      });
      if (next.done === true) break;
      total += next.value.length;
      if (total > maxBytes) {
        throw new AppError('agent_too_large', `The agent file is larger than ${maxBytes} bytes (MAX_AGENT_BYTES).`);
      }
      await handle.writeFile(next.value);
    }
    await handle.sync();
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Copies a file below `root` to a new file. The path is taken relative to the root, links are followed first and must not lead
 * out, and what is opened must be what was looked at, until the end. Throws AppError `path_not_found`, `path_forbidden`, `agent_file_changed`,
 * `agent_too_large`.
 */
export async function copyFromRoot(root: string, path: string, file: string, maxBytes: number): Promise<void> {
  const missing = (): AppError => new AppError('path_not_found', 'There is no such file in AGENTS_DIR.');
  const forbidden = (why: string): AppError => new AppError('path_forbidden', `The path ${why}.`);
  if (path.includes('\0')) throw forbidden('holds NUL');
  const base = await realpath(root).catch(() => {
    throw missing();
  });
  // Checked before anything is looked up: whether a file outside exists is not told either.
  if (!resolve(root, path).startsWith(resolve(root) + sep) && !resolve(base, path).startsWith(base + sep)) {
    throw forbidden('leads out of AGENTS_DIR');
  }
  const real = await realpath(resolve(base, path)).catch(() => {
    throw missing();
  });
  if (!real.startsWith(base + sep)) throw forbidden('leads out of AGENTS_DIR');
  const seen = await lstat(real);
  if (!seen.isFile()) throw forbidden('is not that of a file');
  const source = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW).catch((cause: unknown) => {
    throw new AppError('agent_file_changed', 'The file was replaced while it was opened.', { cause });
  });
  const changed = (): AppError => new AppError('agent_file_changed', 'The file was changed while it was read.');
  try {
    if (!isSame(seen, await source.stat())) throw changed();
    await receive(source.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>, file, maxBytes);
    // Written to in place: what was copied may be half the old and half the new contents.
    if (!isSame(seen, await source.stat())) {
      await rm(file);
      throw changed();
    }
  } finally {
    await source.close();
  }
}

function isSame(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.dev === b.dev && a.size === b.size && a.mtimeMs === b.mtimeMs;
}
