import { parsePatch, type StructuredPatch } from 'diff';

interface TextFile {
  readonly path: string;
  readonly content: string;
}

/**
 * Why a unified diff does not apply to these files; undefined if it does. Each hunk must quote the lines at the very place that
 * it names, because the training takes it so; that also keeps the work linear on the main thread. Line ends are not compared:
 * they get lost on the way through editors and browsers.
 */
export function diffFault(diff: string, files: readonly TextFile[]): string | undefined {
  let patches: StructuredPatch[];
  try {
    patches = parsePatch(diff).filter(({ hunks }) => hunks.length > 0);
  } catch (error) {
    return `cannot be read: ${(error as Error).message.slice(0, 200)}`;
  }
  if (patches.length === 0) return 'changes nothing';
  const contents = new Map(files.map(({ path, content }) => [path, content]));
  const paths = patches.map((patch) => patch.oldFileName?.replace(/^a\//, '') ?? '');
  if (new Set(paths).size < paths.length) return 'names a file twice';
  for (const [index, patch] of patches.entries()) {
    const path = paths[index]!;
    const content = contents.get(path);
    if (content === undefined)
      return `changes ${path || 'a file without a name'}, which is not among the request's files`;
    if (patch.newFileName?.replace(/^b\//, '') !== path) return `renames or deletes ${path}`;
    const fault = hunkFault(patch, content);
    if (fault !== undefined) return `${path}: ${fault}`;
  }
  return undefined;
}

function hunkFault({ hunks }: StructuredPatch, content: string): string | undefined {
  const lines = content.replace(/^\ufeff/, '').split('\n');
  if (lines.at(-1) === '') lines.pop();
  let end = 0;
  let changes = 0;
  for (const hunk of hunks) {
    // A hunk that quotes nothing counts its place from the line before.
    let line = hunk.oldLines === 0 ? hunk.oldStart : hunk.oldStart - 1;
    if (line < end || line > lines.length) return `the hunk at line ${hunk.oldStart} is out of order or of range`;
    for (const text of hunk.lines) {
      if (text.startsWith('+')) changes += 1;
      if (!/^[ -]/.test(text)) continue;
      if (text.startsWith('-')) changes += 1;
      const quoted = lines[line];
      if (quoted === undefined || withoutReturn(quoted) !== withoutReturn(text.slice(1))) {
        return `line ${line + 1} is not what the diff quotes`;
      }
      line += 1;
    }
    end = line;
  }
  return changes === 0 ? 'nothing is changed' : undefined;
}

function withoutReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
