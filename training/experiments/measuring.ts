import { evaluateAgent, type Evaluated } from '../finetune/evaluation.js';
import type { AgentNumbers, LearningGraphs } from '../finetune/graphs.js';
import { sequencesOf, targetBytes, type Sequence, type Symbols, type TrainingRow } from '../finetune/sequences.js';
import type { Tokenizer } from '../../model/tokenizer.js';

/** What is predicted, and what the decoder reads before it. */
export type Target = 'analysis' | 'patch_alone' | 'patch_given_analysis';

/** Sequences computed at a time. */
const MICRO_BATCH = 4;

/** One sequence of each row; `row` is its place in the list. */
export function sequencesFor(rows: readonly TrainingRow[], target: Target, symbols: Symbols): Sequence[] {
  return rows.flatMap((row, position) => {
    if (target === 'analysis') return sequencesOf(row, position, 'issue-analysis', symbols);
    const both = sequencesOf(row, position, 'code-generation', symbols);
    return target === 'patch_alone' ? both.slice(-1) : both.slice(0, 1);
  });
}

/** An agent on rows, teacher-forced, row by row, as served. */
export function measure(
  graphs: LearningGraphs,
  agent: AgentNumbers,
  rows: readonly TrainingRow[],
  target: Target,
  { symbols, signal }: { readonly symbols: Symbols; readonly signal: AbortSignal },
): Promise<Evaluated> {
  const sequences = sequencesFor(rows, target, symbols);
  return evaluateAgent(graphs, agent, sequences, { rows: rows.length, microBatch: MICRO_BATCH, signal });
}

/** Bytes of the text that is predicted. */
export function bytesOf(rows: readonly TrainingRow[], target: Target, tokenizer: Tokenizer): number {
  return targetBytes(sequencesFor(rows, target, tokenizer), tokenizer);
}
