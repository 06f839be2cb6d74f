import { implementation } from '../implementation.js';
import { specification } from '../specification.js';
import type { ChainTask, TextChain } from '../text-chain.js';
import { collapsed, lastFunction } from './python-prompt.js';

/** Longer specifications are not short. Source: the lengths of the seed's first agent, cut to the words that matter. */
const MAX_DESCRIPTION_WORDS = 40;

/**
 * The beginning of a Python function → specification → body; the model `humaneval`. Source: rows 25–29, 42–44, 57–66 and 77 of the
 * seed inventory; without its templates: what does not pass after the last try is not answered.
 */
export const humanevalChain = {
  name: 'humaneval',
  agents: [specification.name, implementation.name],
  isRequired: false,
  read,
} as const satisfies TextChain;

function read(prompt: string): ChainTask | undefined {
  const found = lastFunction(prompt);
  if (!found) return undefined;
  const head = prompt.endsWith('\n') ? prompt : `${prompt}\n`;
  return {
    source: head,
    fields: [
      { symbol: 'loc', given: found.signature, maxTokens: 128 },
      { symbol: 'problem', maxTokens: 96, faultOf: faultOfDescription },
    ],
    indent: found.indent,
    maxAnswerTokens: 320,
    path: 'solution.py',
    program: (answer) => head + answer,
    faultOf: faultOfBody,
  };
}

/** What the first agent should say of a prompt, made from its docstring: the prose before the examples, in at most forty words. */
export function derivedDescription(prompt: string): string {
  const docstring = lastFunction(prompt)?.docstring ?? '';
  const prose = docstring.split(/^\s*(?:>>>|(?:for )?examples?\b)/im)[0]!;
  const words = collapsed(prose === '' ? docstring : prose).split(' ');
  return words.slice(0, MAX_DESCRIPTION_WORDS).join(' ');
}

/** Too short or noise. Source: row 60 of the seed inventory. */
export function faultOfDescription(text: string): string | undefined {
  const words = text.split(/\s+/).filter(Boolean);
  if (words.length < 5) return 'fewer than five words';
  if (words.filter((word) => /^[\p{L}'’-]{2,}[.,;:]?$/u.test(word)).length < 4)
    return 'fewer than four words of letters';
  if ((text.match(/[\p{L}\p{N}]/gu) ?? []).length < 0.3 * text.length) return 'mostly signs';
  if (words.some((word, at) => at >= 3 && [1, 2, 3].every((back) => words[at - back] === word))) {
    return 'the same word four times';
  }
  return undefined;
}

/** Nothing is done. Source: row 77 of the seed inventory (trivial bodies). */
function faultOfBody(body: string): string | undefined {
  const lines = body
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length === 0) return 'no statement';
  if (lines.every((line) => /^(?:pass|\.\.\.|raise NotImplementedError.*)$/.test(line)))
    return 'a body that does nothing';
  if (lines.length === 1 && /^return(?:\s+(?:None|0|0\.0|''|""|\[\]|False))?$/.test(lines[0]!)) {
    return 'nothing but a constant';
  }
  if (lines.length === 1 && /^[rRbBuUfF]?(["'])[^"']*\1$|^[rRuU]?("""|''').*\2$/.test(lines[0]!))
    return 'nothing but a text';
  return undefined;
}
