import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { packageRoot } from './config.js';

/** A file of the page as it is sent. */
export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
  /** Strong entity tag: the beginning of the SHA-256 of the body. */
  readonly etag: string;
}

/** Name of the file that is the page itself. */
export const INDEX = 'index.html';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/**
 * The page's files by name: markup, style and icon of `page/` as they are, and the modules that the build made of its sources.
 * Rejects when the page was not built.
 */
export async function readPage(): Promise<ReadonlyMap<string, PageFile>> {
  const sources = join(packageRoot, 'page');
  const built = join(packageRoot, 'dist', 'page');
  const found = new Map<string, PageFile>();
  for (const [folder, wanted] of [
    [sources, ['.html', '.css', '.svg']],
    [built, ['.js']],
  ] as const) {
    for (const name of await readdir(folder)) {
      const extension = extname(name);
      if (!(wanted as readonly string[]).includes(extension)) continue;
      const body = await readFile(join(folder, name));
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
      found.set(name, { type: types[extension]!, body, etag });
    }
  }
  return found;
}
