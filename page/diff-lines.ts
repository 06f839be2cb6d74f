import { make } from './elements.js';

/** What a line of a unified diff is, as the class that colours it. The sign at its beginning says the same without colour. */
function kindOf(line: string, inHunk: boolean): 'add' | 'del' | 'hunk' | 'head' | 'same' {
  if (line.startsWith('@@')) return 'hunk';
  if (!inHunk) return 'head';
  if (line.startsWith('+')) return 'add';
  if (line.startsWith('-')) return 'del';
  return line.startsWith('\\') ? 'head' : 'same';
}

/** A unified diff with its lines coloured, to be scrolled by keyboard as well. */
export function makeDiff(diff: string, name: string): HTMLElement {
  let inHunk = false;
  const lines = diff.replace(/\n$/, '').split('\n');
  const rows = lines.map((line) => {
    if (line.startsWith('diff --git ')) inHunk = false;
    const kind = kindOf(line, inHunk);
    if (kind === 'hunk') inHunk = true;
    return make('span', { class: kind }, `${line}\n`);
  });
  return make('pre', { class: 'diff', tabindex: '0', role: 'region', 'aria-label': name }, ...rows);
}
