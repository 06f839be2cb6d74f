import { constants } from 'node:fs';
import { cp, lstat, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

/** A copy of a folder that may be changed at will. */
export interface ScratchCopy {
  /** The copied files. */
  readonly cwd: string;
  /** For temporary files; goes with the copy. */
  readonly temporary: string;
}

/**
 * Hands a copy of a folder to `use` and removes it afterwards, however that ends. Links stay links; sockets and devices are
 * left out, and so is `.git`: in a linked worktree it points into the user's own repository, which a test that calls git
 * would change. Throws the signal's reason when aborted.
 */
export async function withScratchCopy<T>(
  folder: string,
  use: (copy: ScratchCopy) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const scratch = await mkdtemp(join(tmpdir(), 'agentic-seq2seq-'));
  const copy = { cwd: join(scratch, 'files'), temporary: join(scratch, 'tmp') };
  try {
    await mkdir(copy.temporary);
    await cp(folder, copy.cwd, {
      recursive: true,
      verbatimSymlinks: true,
      // Where the file system can, nothing is copied until it is written to.
      mode: constants.COPYFILE_FICLONE,
      filter: async (source) => {
        signal?.throwIfAborted();
        if (relative(folder, source) === '.git') return false;
        const status = await lstat(source);
        return status.isDirectory() || status.isFile() || status.isSymbolicLink();
      },
    });
    return await use(copy);
  } finally {
    // A killed test may leave folders behind that something is still being written to.
    await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}
