/** Files that were dropped or picked, with paths as a repository has them. */

export interface FoundFile {
  /** Below the dropped or picked folder, `/` as separator. */
  readonly path: string;
  readonly file: File;
}

/** More than any server takes by default, few enough to be read and listed at once. */
const MAX_FOUND = 2000;

/** Folders with other people's or generated code; an issue is hardly ever about it. */
const skippedFolders =
  /^(?:\.git|\.hg|\.svn|node_modules|__pycache__|\.venv|venv|dist|build|target|\.tox|\.mypy_cache)$/;

/** Whether a path leads through a folder that is left out. */
function isSkipped(path: string): boolean {
  return path
    .split('/')
    .slice(0, -1)
    .some((part) => skippedFolders.test(part));
}

/** What an input holds. A picked folder's own name is no part of the paths. */
export function picked(input: HTMLInputElement): FoundFile[] {
  return [...(input.files ?? [])]
    .map((file) => ({ path: withoutFirst(file.webkitRelativePath) || file.name, file }))
    .filter(({ path }) => !isSkipped(path))
    .slice(0, MAX_FOUND);
}

/**
 * What was dropped. One folder alone is taken as the repository, so its name is no part of the paths. The entries have to be
 * taken from the event at once: it is empty after the first wait.
 */
export async function dropped(data: DataTransfer): Promise<FoundFile[]> {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const only = entries.length === 1 && entries[0]!.isDirectory;
  const found: FoundFile[] = [];
  for (const entry of entries) await collect(entry, entry.name, found);
  return only ? found.map(({ path, file }) => ({ path: withoutFirst(path), file })) : found;
}

async function collect(entry: FileSystemEntry, path: string, found: FoundFile[]): Promise<void> {
  if (found.length >= MAX_FOUND || isSkipped(`${path}/`)) return;
  // The classes of entries are no globals in every browser, so `instanceof` cannot tell.
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => {
      (entry as FileSystemFileEntry).file(resolve, reject);
    });
    found.push({ path, file });
    return;
  }
  for (const child of await childrenOf(entry as FileSystemDirectoryEntry)) {
    await collect(child, `${path}/${child.name}`, found);
  }
}

/** All entries of a folder: a reader gives some at a time, and none at the end. */
async function childrenOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const children: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (some.length === 0) return children.sort((a, b) => (a.name < b.name ? -1 : 1));
    children.push(...some);
  }
}

function withoutFirst(path: string): string {
  return path.slice(path.indexOf('/') + 1);
}

/**
 * A file's exact text, byte order mark included, or why it is left out. The server refuses what is not text, so one picture in a
 * folder would otherwise refuse the whole request.
 */
export async function textOf({ file }: FoundFile, maxBytes: number): Promise<{ text: string } | { fault: string }> {
  if (file.size > maxBytes) return { fault: `larger than ${maxBytes} bytes` };
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await file.arrayBuffer());
    return text.includes('\0') ? { fault: 'not text' } : { text };
  } catch {
    return { fault: 'not text in UTF-8, or not readable' };
  }
}
