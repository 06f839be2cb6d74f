import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { applyPatch, checkPatch } from '../../cli/git.js';

/** What git says about a patch: whether `git apply --check` takes it, and the file after `git apply`. */
export interface AppliedPatch {
  readonly applies: boolean;
  /** Undefined unless it applies. */
  readonly content?: string;
}

/** A folder with one file of a row, in which patches are tried one after the other. Remove it after use. */
export class ScratchFolder {
  private constructor(
    private readonly folder: string,
    private readonly path: string,
    private readonly content: string,
  ) {}

  static async create(path: string, content: string): Promise<ScratchFolder> {
    const folder = await mkdtemp(join(tmpdir(), 'agentic-seq2seq-evaluate-'));
    await mkdir(dirname(join(folder, path)), { recursive: true });
    return new ScratchFolder(folder, path, content);
  }

  /** Checks a patch against the file as it was and applies it to a fresh copy. */
  async try(diff: string): Promise<AppliedPatch> {
    const file = join(this.folder, this.path);
    await writeFile(file, this.content);
    if ((await checkPatch(this.folder, diff)) !== undefined) return { applies: false };
    await applyPatch(this.folder, diff);
    return { applies: true, content: await readFile(file, 'utf8') };
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
