import { createHash } from 'node:crypto';
import path from 'node:path';
import { saveAgent, type Agent, type AgentDescription } from '../../adapters/agent.js';
import type { ModelConfig } from '../../model/config.js';
import { evaluateAgent, type Evaluated } from './evaluation.js';
import { TrainingGraphs, type AgentNumbers } from './graphs.js';
import type { MemoryCache } from './memory-cache.js';
import type { FinetuneOptions } from './options.js';
import { hashOfRows, type AgentSequences, type RunData } from './run-data.js';
import type { Sequence } from './sequences.js';
import { train, type Trained } from './trainer.js';

/** One agent of a run before its training. */
export interface Pupil {
  readonly parent: Agent;
  /** The agent's file it begins with, and where its candidate goes. */
  readonly from: string;
  readonly file: string;
  readonly sequences: AgentSequences;
}

/** One agent of a run after its training; its candidate is written, but without probe and figures. */
export interface Graduate extends Pupil {
  readonly best: AgentNumbers;
  /** As it will be served: half precision rounds. */
  readonly rounded: Agent;
  readonly description: AgentDescription;
  readonly before: Evaluated;
  readonly after: Evaluated;
}

/**
 * Trains the agents and measures each on the held-out rows before and after. The training graphs are open only for this.
 * Throws as `train` does.
 */
export async function learn(
  pupils: readonly Pupil[],
  data: RunData,
  options: FinetuneOptions,
  { config, cache }: { readonly config: ModelConfig; readonly cache: MemoryCache },
): Promise<{ readonly graduates: readonly Graduate[]; readonly trained: Trained }> {
  const { split } = data;
  const { settings, signal } = options;
  const graphs = await TrainingGraphs.load(options.modelDir, config, cache, options.threads);
  try {
    const measure = (agent: AgentNumbers, heldOut: readonly Sequence[]): Promise<Evaluated> =>
      evaluateAgent(graphs, agent, heldOut, {
        rows: split.heldOut.length,
        microBatch: settings.microBatch,
        signal,
      });
    const before: Evaluated[] = [];
    for (const { parent, sequences } of pupils) before.push(await measure(parent.tensors, sequences.heldOut));
    const trained = await train({
      graphs,
      lessons: pupils.map(({ parent, sequences }) => ({ agent: parent.name, start: parent.tensors, ...sequences })),
      validRows: split.valid.length,
      settings,
      checkpoint: {
        file: path.join(options.work, 'checkpoint.safetensors'),
        run: identityOf(options, config, pupils, data),
        resume: options.resume,
      },
      onReport: options.onReport,
      signal,
    });
    const graduates: Graduate[] = [];
    for (const [at, pupil] of pupils.entries()) {
      const { parent, sequences, file } = pupil;
      const lineage = {
        parent: parent.generation,
        ...(pupils.length > 1 && {
          trained_with: pupils.filter((of) => of !== pupil).map((of) => of.parent.generation),
        }),
        settings,
        best_step: trained.state.bestStep,
        rows: { train: split.train.length, valid: split.valid.length, sha256: hashOfRows([split.train, split.valid]) },
      };
      const description = { name: parent.name, backbone: config.fingerprint, lineage };
      const best = trained.best[parent.name]!;
      const rounded = await saveAgent(file, best, description, config);
      const after = await measure(rounded.tensors, sequences.heldOut);
      graduates.push({ ...pupil, best, rounded, description, before: before[at]!, after });
    }
    return { graduates, trained };
  } finally {
    // Not kept while other copies of the backbone are loaded.
    await graphs.dispose();
  }
}

/** What must be the same for a checkpoint to be gone on from. */
function identityOf(
  { settings }: FinetuneOptions,
  config: ModelConfig,
  pupils: readonly Pupil[],
  { split }: RunData,
): string {
  const parts = [
    config.fingerprint,
    config.training?.step.sha256,
    pupils.map(({ parent }) => [parent.name, parent.generation]),
    settings,
    hashOfRows([split.train, split.valid]),
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
