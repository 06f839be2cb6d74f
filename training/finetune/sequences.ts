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
 * last one the answer, once after that, if there is any, and once without it.
 */
export function sequencesOf(row: TrainingRow, position: number, agent: AgentName, symbols: Symbols): Sequence[] {
  const { analyse, patch } = symbols.special;
  const { sourceIds } = row;
  const analysis = [analyse, ...row.analysisIds, patch];
  if (declarationOf(agent).begins === 'analyse')
    return [{ row: position, sourceIds, ids: analysis, labels: analysis.length - 1 }];
  const written = [...row.patchIds, symbols.eos];
  const alone = { row: position, sourceIds, ids: [patch, ...written], labels: written.length };
  if (row.analysisIds.length === 0) return [alone];
  return [{ ...alone, ids: [...analysis, ...written] }, alone];
}

/** Bytes of text (UTF-8) in what is to be learnt; symbols have none. */
export function targetBytes(sequences: readonly Sequence[], tokenizer: Tokenizer): number {
  const texts = sequences.flatMap(({ ids, labels }) => ids.slice(-labels)).filter((id) => !tokenizer.nonText.has(id));
  return texts.reduce((sum, id) => sum + tokenizer.pieceBytes(id).length, 0);
}
