import { declarationOf, type AgentName, type ChainName } from '../../agents/names.js';
import type { Tokenizer } from '../../model/tokenizer.js';

/** One edit as tokens: what the encoder reads, and what the agents should write. */
export interface TrainingRow {
  /** Where it stands, for people: file and line. */
  readonly id: string;
  /** What it is a part of, for instance a commit; rows of one group are all to train or all held out. */
  readonly group?: string | undefined;
  /** Whose agents learn from it; those of any chain if it is not known. */
  readonly chain?: ChainName | undefined;
  readonly sourceIds: readonly number[];
  /** From `<|problem|>` to the end of the hint; empty if there is none. */
  readonly analysisIds: readonly number[];
  /** What the analysis agent wrote about this row, from `<|problem|>` to the end of the hint, where it was asked. */
  readonly ownAnalysisIds?: readonly number[] | undefined;
  /** Hunks, without `<|patch|>` before and the end symbol after them. */
  readonly patchIds: readonly number[];
}

/** A decoder text over a row's source. Its last `labels` tokens are what is to be learnt, the others are given. */
export interface Sequence {
  /** Position of the row in the list it comes from. */
  readonly row: number;
  readonly sourceIds: readonly number[];
  readonly ids: readonly number[];
  readonly labels: number;
}

/** The symbols the texts are put together with. */
export type Symbols = Pick<Tokenizer, 'special' | 'eos'>;

/**
 * What an agent learns from a row, as in its first training: the first agent of a chain what is written before the answer, the
 * last one the answer, once after that, if there is any, once after what the first agent itself wrote, where it was asked, and once
 * without. A row without an analysis teaches the first agent nothing.
 */
export function sequencesOf(row: TrainingRow, position: number, agent: AgentName, symbols: Symbols): Sequence[] {
  const { analyse, patch } = symbols.special;
  const { sourceIds } = row;
  const framed = (ids: readonly number[]): number[] => [analyse, ...ids, patch];
  const analysis = framed(row.analysisIds);
  if (declarationOf(agent).begins === 'analyse') {
    return row.analysisIds.length === 0
      ? []
      : [{ row: position, sourceIds, ids: analysis, labels: analysis.length - 1 }];
  }
  const written = [...row.patchIds, symbols.eos];
  const after = (prompt: readonly number[]): Sequence => ({
    row: position,
    sourceIds,
    ids: [...prompt, ...written],
    labels: written.length,
  });
  return [
    ...(row.analysisIds.length > 0 ? [after(analysis)] : []),
    ...(row.ownAnalysisIds ? [after(framed(row.ownAnalysisIds))] : []),
    after([patch]),
  ];
}

/** Bytes of text (UTF-8) in what is to be learnt; symbols have none. */
export function targetBytes(sequences: readonly Sequence[], tokenizer: Tokenizer): number {
  const texts = sequences.flatMap(({ ids, labels }) => ids.slice(-labels)).filter((id) => !tokenizer.nonText.has(id));
  return texts.reduce((sum, id) => sum + tokenizer.pieceBytes(id).length, 0);
}
