import type { TokenEvent } from '../model/generate.js';
import type { PipelineEvent } from './types.js';

/** Turns the tokens of the first sequence into text events. Holds back bytes until their character is whole. */
export function textStream(
  stage: 'analysis' | 'code',
  decode: (ids: readonly number[]) => string,
  onEvent: (event: PipelineEvent) => void,
): (event: TokenEvent) => void {
  let held: number[] = [];
  return ({ index, token }) => {
    if (index !== 0) return;
    held.push(token);
    const text = decode(held);
    if (text.endsWith('\ufffd') && held.length < 4) return;
    held = [];
    if (text !== '') onEvent({ type: 'text', stage, text });
  };
}
