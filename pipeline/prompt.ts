import type { Tokenizer } from '../model/tokenizer.js';
import { firstCharacters } from './source-file.js';

/** Limits of the encoder's text; those the model was trained with. */
const MAX_ISSUE_TOKENS = 320;
const MAX_PATH_TOKENS = 64;
const MAX_HEADING_CHARACTERS = 120;

/** An issue as people write it. */
export interface IssueText {
  readonly title: string;
  readonly body: string;
}

/** The encoder's tokens of an issue: title on one line, then the body, cut at the end. Made once per request. */
export function issueTokens(issue: IssueText, tokenizer: Tokenizer): number[] {
  const title = issue.title.split(/\s+/).filter(Boolean).join(' ');
  const body = issue.body.replace(/\r\n?/g, '\n').replace(/^\n+|\n+$/g, '');
  // Cutting the text first keeps a megabyte of log from being tokenised: no token is longer than some 30 characters.
  const text = firstCharacters(body ? `${title}\n${body}` : title, MAX_ISSUE_TOKENS * 40);
  const tokens = tokenizer.encodeText(text).slice(0, MAX_ISSUE_TOKENS - 1);
  return [tokenizer.special.issue, ...tokens, tokenizer.newline];
}

/** The encoder's tokens between issue and lines: the path (its end, if it is long) and the heading. */
export function placeTokens(path: string, heading: string, tokenizer: Tokenizer): number[] {
  const { special, newline } = tokenizer;
  const name = tokenizer.encodeText(path).slice(-(MAX_PATH_TOKENS - 1));
  return [special.file, ...name, newline, special.code, ...headingTokens(heading, tokenizer)];
}

function headingTokens(heading: string, tokenizer: Tokenizer): number[] {
  return tokenizer.encodeLine(firstCharacters(heading.trim(), MAX_HEADING_CHARACTERS));
}
