import path from 'node:path';
import { loadAgent, type Agent } from '../../adapters/agent.js';
import type { RequiredAgent } from '../../agents/names.js';
import { loadBackbone, type Backbone } from '../../model/backbone.js';
import { loadTokenizer, type Tokenizer } from '../../model/tokenizer.js';
import { TrainingGraphs } from '../finetune/graphs.js';
import { MemoryCache } from '../finetune/memory-cache.js';
import { readRows } from '../finetune/rows.js';
import type { TrainingRow } from '../finetune/sequences.js';
import type { ExperimentContext, FailedRow, RowsFile } from './experiment.js';

/** Rows of one repository, and the lines that gave none. */
export interface RepositoryRows {
  readonly name: string;
  readonly rows: readonly TrainingRow[];
  readonly failed: readonly FailedRow[];
}

/** What experiments share: tokenizer, backbone and training graphs, each loaded when it is first needed. */
export class Lab {
  private readonly memories: MemoryCache;
  #tokenizer: Promise<Tokenizer> | undefined;
  #backbone: Promise<Backbone> | undefined;
  #graphs: Promise<TrainingGraphs> | undefined;

  constructor(readonly context: ExperimentContext) {
    this.memories = new MemoryCache(context.memory, context.model.config);
  }

  tokenizer(): Promise<Tokenizer> {
    const { directory, config } = this.context.model;
    this.#tokenizer ??= loadTokenizer(path.join(directory, config.files.tokenizer), config);
    return this.#tokenizer;
  }

  backbone(): Promise<Backbone> {
    const { directory, threads } = this.context.model;
    this.#backbone ??= loadBackbone({ directory, threads });
    return this.#backbone;
  }

  /** Their sources must have been encoded by `encode`. */
  graphs(): Promise<TrainingGraphs> {
    const { directory, config, threads } = this.context.model;
    this.#graphs ??= TrainingGraphs.load(directory, config, this.memories, threads);
    return this.#graphs;
  }

  /** An agent as it was released. */
  released(agent: RequiredAgent): Promise<Agent> {
    const { model } = this.context;
    return loadAgent(model.agentFile(agent), model.config, agent);
  }

  /** The last `count` rows of a repository's file that can be used. */
  async read({ name, file }: RowsFile, count: number): Promise<RepositoryRows> {
    const { context } = this;
    const { rows, dropped } = await readRows(file, context.model.config, await this.tokenizer(), {
      signal: context.signal,
    });
    const failed = dropped.map(({ id, reason }) => ({ row: id, step: 'read', reason }));
    return { name, rows: rows.slice(-count), failed };
  }

  /** Encodes the rows' sources that are not on the disk yet. */
  async encode(rows: readonly TrainingRow[], detail: (text: string) => void): Promise<void> {
    const lazy: Pick<Backbone, 'encode'> = {
      encode: async (ids, signal) => (await this.backbone()).encode(ids, signal),
    };
    await this.memories.fill(
      rows.map(({ sourceIds }) => sourceIds),
      lazy,
      (done) => {
        detail(`encoding ${done} of ${rows.length}`);
      },
      this.context.signal,
    );
  }

  /** Frees what was loaded. */
  async close(): Promise<void> {
    await (await this.#graphs)?.dispose();
    await (await this.#backbone)?.close();
  }
}

/** Work with a lab that is closed at the end. */
export async function withLab<T>(context: ExperimentContext, work: (lab: Lab) => Promise<T>): Promise<T> {
  const lab = new Lab(context);
  try {
    return await work(lab);
  } finally {
    await lab.close();
  }
}
