import type { ChainTask } from '../../agents/text-chain.js';
import type { Tokenizer } from '../../model/tokenizer.js';

/** The encoder's text of a task: a window of code without path and heading. */
export function sourceTokens({ source }: ChainTask, tokenizer: Tokenizer): number[] {
  const lines = source.replace(/\n$/, '').split('\n');
  return [tokenizer.special.code, tokenizer.newline, ...lines.flatMap((line) => tokenizer.encodeLine(line))];
}
