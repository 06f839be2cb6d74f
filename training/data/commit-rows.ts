import { createHash } from 'node:crypto';
import { applyEdits, type LineEdit } from '../../pipeline/edits.js';
import { SourceFile } from '../../pipeline/source-file.js';
import type { SyntaxChecker } from '../../pipeline/syntax.js';
import { unifiedDiff } from '../../pipeline/unified-diff.js';
import type { EditRecord } from '../finetune/edit-row.js';
import { lineEdits, RowDropped } from '../finetune/line-edits.js';
import { isBot, issueOfMessage, isUpkeep } from './commit-message.js';
import { MAX_COMMIT, type CommitHunk, type SourceCommit } from './commit-stream.js';
import { deletedLines, usefulEdits, type EditFault } from './edit-filter.js';

/** Why a commit, or one of its hunks, gives no row. */
export type MiningFault =
  'merge' | 'no_source_change' | 'bot' | 'upkeep' | 'large_commit' | 'large_file' | 'duplicate' | EditFault;

/** A row as `npm run train -- --rows` takes it, and where it comes from. */
export interface MinedRow extends Omit<EditRecord, 'analysis'> {
  readonly repository: string;
  readonly commit: string;
  /** Of the commit, ISO 8601 in UTC. */
  readonly time: string;
}

/** A row, and what is equal for all rows that teach the same. */
export interface MinedEdit {
  readonly row: MinedRow;
  readonly fingerprint: string;
}

/** What was left out: a commit, or a hunk of it. */
export interface MiningDrop {
  readonly repository: string;
  readonly commit: string;
  readonly reason: MiningFault;
  readonly path?: string;
}

/** Larger files are data. */
const MAX_FILE_BYTES = 256 * 1024;
/** Shorter edits are the same only if their surroundings are. */
const SELF_EVIDENT_CHARACTERS = 80;

/** Why a whole commit is left out; undefined if its hunks are to be looked at. */
export function faultOfCommit(commit: SourceCommit): MiningFault | undefined {
  if (commit.hunks.length === 0) return 'no_source_change';
  if (isBot(commit.author)) return 'bot';
  if (isUpkeep(issueOfMessage(commit.message).title)) return 'upkeep';
  const { hunks, changedLines } = MAX_COMMIT;
  return commit.hunks.length > hunks || commit.changedLines > changedLines ? 'large_commit' : undefined;
}

/** The row of a hunk of a commit whose file before is `content`; or why there is none. */
export function rowOfHunk(
  hunk: CommitHunk,
  content: Uint8Array,
  commit: Pick<MinedRow, 'repository' | 'commit' | 'time'> & { readonly message: string },
  checker: SyntaxChecker,
): MinedEdit | MiningFault {
  if (content.length > MAX_FILE_BYTES) return 'large_file';
  const file = SourceFile.parse(hunk.path, content);
  if (!file) return 'encoding';
  const edits = editsOf(hunk, file);
  if (typeof edits === 'string') return edits;
  const shown = hunk.lines.filter((line) => /^[ -]/.test(line)).map((line) => line.slice(1));
  const useful = usefulEdits(file, shown, edits, checker);
  if (typeof useful === 'string') return useful;
  const { message, ...origin } = commit;
  const row = {
    issue: issueOfMessage(message),
    files: [{ path: file.path, content: file.text }],
    patch: unifiedDiff(file.path, file.text, applyEdits(file, useful)),
    ...origin,
  };
  return { row, fingerprint: fingerprintOf(file, useful) };
}

function editsOf({ path, lines }: CommitHunk, file: SourceFile): readonly LineEdit[] | MiningFault {
  try {
    return lineEdits(`--- a/${path}\n+++ b/${path}\n${lines.join('\n')}\n`, file);
  } catch (error) {
    if (!(error instanceof RowDropped)) throw error;
    // The diff is git's own: what does not fit was lost on the way from bytes to text, or was a line end only.
    return error.reason === 'patch_changes_nothing' ? 'formatting' : 'encoding';
  }
}

/** Equal for edits that replace the same text by the same, layout apart: the same fix on two branches. */
function fingerprintOf(file: SourceFile, edits: readonly LineEdit[]): string {
  const hash = createHash('sha256');
  for (const edit of edits) {
    const deleted = deletedLines(file, edit);
    const parts = ['-', ...deleted, '+', ...edit.added];
    const characters = [...deleted, ...edit.added].reduce((sum, line) => sum + line.trim().length, 0);
    if (characters < SELF_EVIDENT_CHARACTERS) {
      const end = edit.start + edit.deleted;
      const around = [edit.start - 2, edit.start - 1, end, end + 1].filter((line) => file.lines[line] !== undefined);
      parts.unshift(...around.map((line) => file.lineText(line)));
    }
    hash.update(`${parts.map((part) => part.replace(/\s+/g, '')).join('\n')}\n`);
  }
  return hash.digest('hex').slice(0, 20);
}
