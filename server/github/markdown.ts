import type { PatchResult } from '../../pipeline/types.js';
import { analysisRows, codeBlock, codeSpan } from '../answer-markdown.js';

/** What is told about an answer. */
export interface ToldAnswer {
  readonly result: Pick<PatchResult, 'status' | 'abstained_because' | 'analysis' | 'patches'>;
  /** Full name of the commit that was read. */
  readonly commit: string;
  /** Paths of the files that were read. */
  readonly files: readonly string[];
}

/** GitHub takes 65,536 characters; analysis and links need some of them. */
const MAX_DIFF_CHARACTERS = 55_000;
const MAX_FILES_TOLD = 50;

const abstentions = {
  nothing_to_edit: 'the files hold no lines to edit',
  no_candidate: 'no edit came to mind that changes the code',
  low_confidence: 'none is trusted enough to be shown',
  out_of_time: 'the time was over before one was found',
} as const;

/** An answer for people, as the text of a comment or a pull request. What the model wrote stands in code, where nothing is a mention or a link. */
export function answerMarkdown({ result, commit, files }: ToldAnswer): string {
  const { analysis, patches, status, abstained_because: reason } = result;
  const parts: string[] = [];
  if (analysis) {
    const confidence = `**Analysis**, confidence ${analysis.confidence.toFixed(2)} of 1`;
    parts.push(
      [confidence, '', ...analysisRows(analysis).map(([name, text]) => `- ${name}: ${codeSpan(text)}`)].join('\n'),
    );
  }
  const patch = patches[0];
  if (!patch) {
    parts.push(`**No patch**: ${abstentions[reason ?? 'low_confidence']}.`);
  } else {
    const broken = status === 'syntax_error' ? '; the file does not parse with it' : '';
    parts.push(`**Patch**, score ${patch.score.toFixed(2)} of 1${broken}`, diffBlock(patch.diff));
    parts.push('A small model wrote this. Read it and run the tests before you use it.');
  }
  parts.push(readFrom(commit, files));
  return parts.join('\n\n');
}

/** What is said when there is nothing to send to the model. */
export function nothingReadMarkdown(commit: string): string {
  return `**No patch**: no source file that could be read was found at ${commit.slice(0, 12)}.`;
}

function readFrom(commit: string, files: readonly string[]): string {
  const shown = files.slice(0, MAX_FILES_TOLD).map((path) => `- ${codeSpan(path)}`);
  const more = files.length > shown.length ? [`- and ${files.length - shown.length} more`] : [];
  const head = `<details><summary>${files.length} ${files.length === 1 ? 'file' : 'files'} read at ${commit.slice(0, 12)}</summary>`;
  return [head, '', ...shown, ...more, '', '</details>'].join('\n');
}

function diffBlock(diff: string): string {
  if (diff.length > MAX_DIFF_CHARACTERS) return `It has ${diff.length} characters: too long for a comment.`;
  return codeBlock(diff, 'diff');
}
