import type { Analysis } from '../pipeline/types.js';

/** An analysis as names and texts for people, in the order they are read; fields that say nothing are left out. */
export function analysisRows(analysis: Analysis): readonly (readonly [name: string, text: string])[] {
  const rows = [
    ['Problem', analysis.problem],
    ['Type', analysis.fault_type],
    ['Location', analysis.fault_location],
    ['Line', analysis.line],
    ['Plan', analysis.hint],
  ] as const;
  return rows.filter(([, text]) => text !== '');
}

/** A block of code with the language of its fence, without a line end behind it. */
export function codeBlock(text: string, language = ''): string {
  // Longer than any run of back-ticks in the text, so that no line of it closes the block.
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}${language}\n${text.replace(/\n?$/, '\n')}${fence}`;
}

/** One line in a span of code that no back-tick in it can end. */
export function codeSpan(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const fence = '`'.repeat(longestRun(line) + 1);
  return fence.length > 1 ? `${fence} ${line} ${fence}` : `\`${line}\``;
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}
