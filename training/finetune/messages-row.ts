import type { EditRecord } from './edit-row.js';
import { RowDropped } from './line-edits.js';

/** A message as in OpenAI's format for fine-tuning chat models. */
export interface Message {
  readonly role: string;
  readonly content?: string | readonly { readonly type: string; readonly text?: string }[] | null;
}

/** A fenced block: its info string and its content. A longer fence may hold a shorter one. */
const BLOCK = /^(`{3,})([^\n`]*)\n([^]*?)^\1[^\S\n]*$\n?/gm;

const DIFF_START = /^(?:diff --git |--- )/m;

/**
 * A conversation as an edit. The user's text is the issue, and each of its fenced blocks that names a path is a file
 * (```` ```lib/sum.py ````, ```` ```python lib/sum.py ````); the last answer is, or holds, a unified diff. Throws `RowDropped`.
 */
export function editOfMessages(
  messages: readonly Message[],
): Pick<EditRecord, 'files' | 'patch'> & { readonly text: string } {
  const asked = messages.filter(({ role }) => role === 'user').map(textOf);
  const answer = messages.findLast(({ role }) => role === 'assistant');
  const files: { path: string; content: string }[] = [];
  const text = asked
    .join('\n\n')
    .replace(BLOCK, (block, _fence: string, info: string, content: string) => {
      const path = pathIn(info);
      if (path === undefined) return block;
      files.push({ path, content });
      return '';
    })
    .trim();
  if (text === '') throw new RowDropped('messages_without_issue');
  const patch = answer ? patchIn(textOf(answer)) : '';
  if (patch === '') throw new RowDropped('messages_without_patch');
  return { text, files, patch };
}

function textOf({ content }: Message): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map(({ text }) => text ?? '').join('');
}

/** `python lib/sum.py` → `lib/sum.py`; undefined for `python`. */
function pathIn(info: string): string | undefined {
  return info.split(/[\s:="']+/).findLast((word) => /[./]/.test(word));
}

/** The diff in an answer: a fenced block, or all from where it begins; empty if there is none. */
function patchIn(answer: string): string {
  const blocks = Array.from(answer.matchAll(BLOCK), ([, , , content]) => content!);
  const text = blocks.find((block) => DIFF_START.test(block)) ?? answer;
  const start = text.search(DIFF_START);
  return start < 0 ? '' : text.slice(start);
}
