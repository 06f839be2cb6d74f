import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CommandError } from '../../cli/exit-codes.js';
import type { PatchRequest } from '../../pipeline/types.js';
import { splitIssue } from '../../server/request-checks.js';
import type { Report } from '../finetune/report.js';

/** A request the agent was not trained on, and the patch that is right. */
export interface HeldOutRequest {
  readonly request: PatchRequest;
  readonly patch: string;
}

interface EditLine {
  readonly issue: Parameters<typeof splitIssue>[0];
  readonly files: readonly { readonly path: string; readonly content: string }[];
  readonly patch: string;
}

/**
 * The last row of a file that the training could use: of rows that are split by time it is always held out. Throws CommandError
 * for rows that are tokens, because nobody can be asked about those.
 */
export async function heldOutRequest(file: string, { rows }: Pick<Report, 'rows'>): Promise<HeldOutRequest> {
  const dropped = new Set(rows.dropped.map(({ id }) => id));
  const lines = (await readFile(file, 'utf8')).split('\n');
  const last = lines.findLastIndex(
    (line, index) => line.trim() !== '' && !dropped.has(`${path.basename(file)}:${index + 1}`),
  );
  const row = JSON.parse(lines[last]!) as Partial<EditLine>;
  const { issue, files, patch } = row;
  if (issue === undefined || files === undefined || patch === undefined) {
    throw new CommandError(
      'usage',
      `${file}: the last row is tokens; the loop needs issue, files and patch to ask about.`,
    );
  }
  // The answers before and after are compared, however sure they are.
  return { request: { issue: splitIssue(issue), files, min_score: 0 }, patch };
}
