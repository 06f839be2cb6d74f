import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { caseNames, loadCase } from '../cli/cases.js';
import type { Tokenizer } from '../model/tokenizer.js';
import { issueTokens, placeTokens } from '../pipeline/prompt.js';
import { SourceFile } from '../pipeline/source-file.js';
import type { PatchRequest } from '../pipeline/types.js';
import type { CodeWindow } from '../pipeline/windows.js';
import { packageRoot } from '../server/config.js';

/** One request with an answer that a person might write, both of known length. */
export interface KnownRequest {
  readonly issue: PatchRequest['issue'];
  readonly window: CodeWindow;
  /** The encoder's tokens. */
  readonly source: readonly number[];
  /** From `<|problem|>` to `<|patch|>`. */
  readonly analysis: readonly number[];
  /** Hunks and the end symbol. */
  readonly patch: readonly number[];
}

const FIELDS = ['problem', 'type', 'loc', 'line', 'hint'] as const;

interface Answer {
  readonly case: string;
  readonly analysis: Readonly<Record<(typeof FIELDS)[number], string>>;
  /** Lines as in the body of a diff. */
  readonly patch: readonly string[];
}

/**
 * The case that bench/request/answer.json answers, its file made longer by code of other cases until the encoder has
 * exactly `sourceTokens` tokens to read.
 */
export async function knownRequest(tokenizer: Tokenizer, sourceTokens: number): Promise<KnownRequest> {
  const answer = JSON.parse(await readFile(join(packageRoot, 'bench', 'request', 'answer.json'), 'utf8')) as Answer;
  const { issue, files } = await loadCase(answer.case);
  const { path, content } = files[0]!;
  const head = [...issueTokens(issue, tokenizer), ...placeTokens(path, '', tokenizer)];
  const lines = [...linesOf(content), ...(await codeOfOtherCases(answer.case))];
  const code = fill(lines, sourceTokens - head.length, tokenizer);
  const file = SourceFile.parse(path, code.lines.map((line) => `${line}\n`).join(''));
  if (!file) throw new Error(`${path} is no text.`);
  return {
    issue,
    window: { file, start: 0, end: file.lines.length, heading: '' },
    source: [...head, ...code.tokens],
    analysis: analysisTokens(answer.analysis, tokenizer),
    patch: patchTokens(answer.patch, tokenizer),
  };
}

function linesOf(content: string): string[] {
  return content.replace(/\n$/, '').split('\n');
}

async function codeOfOtherCases(except: string): Promise<string[]> {
  const others = (await caseNames()).filter((name) => name !== except);
  const cases = await Promise.all(others.map(loadCase));
  return cases.flatMap(({ files }) => files.flatMap(({ content }) => ['', ...linesOf(content)]));
}

/** Lines from the beginning with exactly `count` tokens in all; the last line is cut. */
function fill(lines: readonly string[], count: number, tokenizer: Tokenizer): { lines: string[]; tokens: number[] } {
  const taken: string[] = [];
  const tokens: number[] = [];
  for (const line of lines) {
    const all = tokenizer.encodeLine(line);
    const room = count - tokens.length;
    const part = all.length <= room ? all : [...all.slice(0, room - 1), tokenizer.newline];
    taken.push(tokenizer.decode(part.slice(0, -1)));
    tokens.push(...part);
    if (tokens.length === count) return { lines: taken, tokens };
  }
  throw new Error(`The cases' code has no ${count} tokens.`);
}

/** The tokens of an analysis, `<|patch|>` at its end. */
export function analysisTokens(analysis: Answer['analysis'], tokenizer: Tokenizer): number[] {
  const { special } = tokenizer;
  return [...FIELDS.flatMap((field) => [special[field], ...tokenizer.encodeText(analysis[field])]), special.patch];
}

function patchTokens(lines: readonly string[], tokenizer: Tokenizer): number[] {
  const { ctx, del, add } = tokenizer.special;
  const marker: Readonly<Record<string, number>> = { ' ': ctx, '-': del, '+': add };
  return [...lines.flatMap((line) => [marker[line.charAt(0)]!, ...tokenizer.encodeLine(line.slice(1))]), tokenizer.eos];
}
