import { derivedDescription, humanevalChain } from '../../agents/chains/humaneval.js';
import { constraintVocabulary } from '../../model/constraints/vocabulary.js';
import type { Tokenizer } from '../../model/tokenizer.js';
import { BlockConstraint } from '../../pipeline/chains/block-constraint.js';
import { blockPieces } from '../../pipeline/chains/block-pieces.js';
import { sourceTokens } from '../../pipeline/chains/prompt-tokens.js';
import { RowDropped } from './line-edits.js';
import type { TrainingRow } from './sequences.js';

/** A function as people have it. Source: rows 25 and 29 of the seed inventory. */
export interface PromptRecord {
  /** Everything up to its body: imports, helpers, signature, docstring. */
  readonly prompt: string;
  /** Its body, indented. */
  readonly implementation: string;
  /** What it is to do, in one line; made from the docstring if it is missing. */
  readonly specification?: string;
  /** Rows of one group are all to train or all held out. */
  readonly group?: string;
}

/**
 * A function as tokens: the prompt is the source, its specification what is written first, its body the answer. The body is followed
 * through the decoder's own constraint. Throws `RowDropped`.
 */
export function rowOfPrompt(record: PromptRecord, id: string, tokenizer: Tokenizer): TrainingRow {
  const task = humanevalChain.read(record.prompt);
  if (!task) throw new RowDropped('not_a_row');
  const { special } = tokenizer;
  const description = record.specification ?? derivedDescription(record.prompt);
  const analysisIds = task.fields.flatMap(({ symbol, given, maxTokens }) => {
    const ids = tokenizer.encodeText(given ?? description.trim().split(/\s+/).join(' '));
    return [special[symbol], ...ids.slice(0, maxTokens)];
  });
  const lines = record.implementation
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line, at, all) => line !== '' || (at > 0 && all[at - 1] !== ''));
  if (lines.at(-1) === '') lines.pop();
  const patchIds = lines.flatMap((line) => [special.add, ...tokenizer.encodeLine(line)]);
  const vocabulary = constraintVocabulary(tokenizer);
  const constraint = new BlockConstraint(vocabulary, {
    pieces: blockPieces(tokenizer, vocabulary, task.indent),
    maxTokens: task.maxAnswerTokens,
    refused: new Set(),
  });
  try {
    for (const token of [...patchIds, tokenizer.eos]) constraint.advance(token);
  } catch (error) {
    // What the constraint would not let the agent write must not be taught.
    if (error instanceof RangeError) throw new RowDropped('not_in_the_protocol');
    throw error;
  }
  return {
    id,
    group: record.group,
    chain: 'humaneval',
    sourceIds: sourceTokens(task, tokenizer),
    analysisIds,
    patchIds,
  };
}
