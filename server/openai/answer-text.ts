import type { ChainAnswer, PatchResult } from '../../pipeline/types.js';
import { analysisRows, codeBlock } from '../answer-markdown.js';
import type { Surface } from './parameters.js';

/**
 * The pipeline's answer as Markdown, in the parts that are streamed: the analysis, then the first patch in a `diff` fence or the
 * sentence that there is none.
 */
export function answerText({ analysis, patches, abstained_because: reason }: PatchResult): readonly string[] {
  const parts: string[] = [];
  if (analysis) {
    parts.push(
      `${analysisRows(analysis)
        .map(([name, text]) => `- **${name}**: ${text}`)
        .join('\n')}\n\n`,
    );
  }
  const diff = patches[0]?.diff;
  if (diff === undefined) return [...parts, `No patch is proposed (${reason ?? 'abstained'}).\n`];
  return [...parts, `${codeBlock(diff, 'diff')}\n`];
}

/**
 * A chain's answer: as the continuation of a prompt nothing but the text, empty if there is none; in a chat the whole program in a
 * fence or the sentence that there is none, with what was wrong with the last try.
 */
export function chainText({ text, program, tries }: ChainAnswer, surface: Surface): string {
  if (surface === 'text') return text ?? '';
  if (program === null) return `No answer passed (${tries.at(-1)?.fault ?? 'no try'}).\n`;
  return `${codeBlock(program)}\n`;
}
