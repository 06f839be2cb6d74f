import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { Agent } from '../../adapters/agent.js';
import type { AgentName } from '../../agents/names.js';
import { loadBackbone } from '../../model/backbone.js';
import type { ModelConfig } from '../../model/config.js';
import type { Tokenizer } from '../../model/tokenizer.js';
import { TrainingError } from './errors.js';
import type { AnalysisCache } from './analysis-cache.js';
import type { MemoryCache } from './memory-cache.js';
import type { FinetuneOptions } from './options.js';
import { withOwnAnalyses, type OwnAnalyses } from './own-analyses.js';
import { readRows, type ReadRows } from './rows.js';
import { sequencesOf, type Sequence, type TrainingRow } from './sequences.js';
import { splitRows, type Split } from './split.js';

/** The sequences of one agent by what they are for; `row` counts within the part of the split. */
export interface AgentSequences {
  readonly train: readonly Sequence[];
  readonly valid: readonly Sequence[];
  readonly heldOut: readonly Sequence[];
}

/** What a run learns from and is measured on. */
export interface RunData {
  readonly split: Split;
  readonly tokenizer: Tokenizer;
  /** Seconds of this run's reading and encoding; what an earlier run encoded takes none. */
  readonly encodeSeconds: number;
  /** Missing where no row got one. */
  readonly ownAnalyses: OwnAnalyses | undefined;
}

/** What a run need not compute twice: the encoder's results, and what analysis agents wrote. */
export interface Caches {
  readonly memory: MemoryCache;
  readonly analyses: AnalysisCache;
}

/**
 * Rows as tokens, their sources in the cache, and what `analyst` writes about some of them. The backbone's sessions are open
 * only for this. Throws `TrainingError` (`analyst_missing` where analyses are wanted, and more), `ModelError`.
 */
export async function prepare(
  options: FinetuneOptions,
  config: ModelConfig,
  caches: Caches,
  analyst: Agent | undefined,
): Promise<RunData> {
  if (options.ownAnalyses > 0 && !analyst) {
    throw new TrainingError(
      'analyst_missing',
      'There is no analysis agent beside the agent to train that could write analyses.',
    );
  }
  await mkdir(options.work, { recursive: true });
  const backbone = await loadBackbone({ directory: options.modelDir, threads: options.threads });
  try {
    const { tokenizer } = backbone;
    const read = (file: string): Promise<ReadRows> =>
      readRows(file, config, tokenizer, { onLine: options.onRead, signal: options.signal });
    const rows = await read(options.rows);
    const heldOut = options.heldOut === undefined ? undefined : await read(options.heldOut);
    const names = options.agents.map(({ agent }) => agent);
    const split = splitRows(rows, heldOut, names, options.shares);
    const sources = [...split.train, ...split.valid, ...split.heldOut].map(({ sourceIds }) => sourceIds);
    const tell = (done: number): void => options.onEncoded?.(done, sources.length);
    const began = performance.now();
    await caches.memory.fill(sources, backbone, tell, options.signal);
    const data = { split, tokenizer, encodeSeconds: (performance.now() - began) / 1000, ownAnalyses: undefined };
    if (options.ownAnalyses === 0) return data;
    const { onOwnAnalysis: onRow, signal } = options;
    const cache = caches.analyses;
    const { split: whole, own } = await withOwnAnalyses(split, options.ownAnalyses, analyst!, backbone, {
      cache,
      onRow,
      signal,
    });
    return { ...data, split: whole, ownAnalyses: own };
  } finally {
    await backbone.close();
  }
}

/** What an agent has to learn from the rows. Throws `TrainingError` (`rows_too_few`) if a part has nothing for it. */
export function agentSequences({ split, tokenizer }: RunData, agent: AgentName): AgentSequences {
  const of = (rows: readonly TrainingRow[]): Sequence[] =>
    rows.flatMap((row, position) => sequencesOf(row, position, agent, tokenizer));
  const parts = { train: of(split.train), valid: of(split.valid), heldOut: of(split.heldOut) };
  if (Object.values(parts).some((sequences) => sequences.length === 0)) {
    throw new TrainingError('rows_too_few', `Of the rows to train, to validate or held out none is for ${agent}.`);
  }
  return parts;
}

/** SHA-256 (hex) of the tokens of some lists of rows. */
export function hashOfRows(lists: readonly (readonly TrainingRow[])[]): string {
  const hash = createHash('sha256');
  for (const rows of lists) {
    hash.update('rows\n');
    for (const row of rows)
      hash.update(`${JSON.stringify([row.sourceIds, row.analysisIds, row.patchIds, row.ownAnalysisIds])}\n`);
  }
  return hash.digest('hex');
}
