import { AppError } from '../errors.js';

/** An issue written with its files in one text. */
export interface IssueWithFiles {
  readonly issue: string;
  readonly files: readonly { readonly path: string; readonly content: string }[];
}

/** A line that is longer names no path. */
const MAX_PATH_LINE = 2000;

/**
 * Reads an issue with its files from Markdown. A fenced code block is a file if it names a path: as the last word of its info string
 * (` ```python shop/pages.py `, also ` ```python:shop/pages.py ` or `title="…"`), or if the line before it is nothing but one
 * (plain, in back-ticks, bold or as a heading). Everything else, other code blocks included, is the issue.
 * Throws AppError `invalid_request` when no block names a path.
 */
export function readIssueText(text: string): IssueWithFiles {
  const issue: string[] = [];
  const files: { path: string; content: string }[] = [];
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index]!;
    const [begin = '', fence = ''] = /^ {0,3}(`{3,}|~{3,})/.exec(line) ?? [];
    const info = line.slice(begin.length);
    if (fence === '' || (fence.startsWith('`') && info.includes('`'))) {
      issue.push(line);
      continue;
    }
    const end = closingLine(lines, index + 1, fence);
    const path = pathInInfo(info) ?? takePathLine(issue);
    if (path === undefined) {
      for (const kept of lines.slice(index, end + 1)) issue.push(kept);
    } else {
      const code = lines.slice(index + 1, end);
      files.push({ path, content: code.map((line) => `${line}\n`).join('') });
    }
    index = end;
  }
  if (files.length === 0) {
    throw new AppError('invalid_request', 'The text holds no fenced code block that names the path of a file.', {
      details: [{ path: '/messages', message: 'must hold the code as fenced blocks with paths' }],
    });
  }
  return { issue: issue.join('\n').trim(), files };
}

/** Index of the line that closes a fence; the number of lines if none does. */
function closingLine(lines: readonly string[], from: number, fence: string): number {
  for (let index = from; index < lines.length; index++) {
    const line = lines[index]!.trim();
    if (line.length >= fence.length && line === fence[0]!.repeat(line.length)) return index;
  }
  return lines.length;
}

function pathInInfo(info: string): string | undefined {
  const named = /(?:title|path|file(?:name)?)="([^"]+)"/.exec(info)?.[1];
  if (named !== undefined) return named;
  const word = info.trim().split(/\s+/).at(-1) ?? '';
  const path = word.slice(word.indexOf(':') + 1);
  return looksLikePath(path) ? path : undefined;
}

/** Takes the last line that is not blank out of the issue if it is nothing but a path. */
function takePathLine(issue: string[]): string | undefined {
  const index = issue.findLastIndex((line) => line.trim() !== '');
  const line = issue[index] ?? '';
  if (line.length > MAX_PATH_LINE) return undefined;
  const bare = line.replace(/^[#\s]+/, '').replace(/^(?:file|path):\s*/i, '');
  const path = bare.replace(/^[*`\s]+|[*`:\s]+$/g, '');
  if (!looksLikePath(path)) return undefined;
  issue.splice(index);
  return path;
}

/** One word with a folder or an extension; whether it may be used is checked with all other paths. */
function looksLikePath(word: string): boolean {
  return /^[^\s`*]+$/.test(word) && /[^/.]\/|\.\w+$/.test(word);
}
