import { saveAgent, type Agent } from '../../adapters/agent.js';
import { AGENT_TENSOR_NAMES } from '../../model/agent-tensors.js';
import type { ModelConfig } from '../../model/config.js';
import { adaptationCost } from './cost.js';
import { judge } from './gate.js';
import type { Hashes } from './integrity.js';
import type { Graduate } from './learn.js';
import type { FinetuneOptions } from './options.js';
import { pairedDifference } from './paired-bootstrap.js';
import { probeOf } from './probe.js';
import { figuresOf } from './held-out-figures.js';
import type { AgentReport } from './report.js';
import type { RunData } from './run-data.js';
import { targetBytes, type Sequence } from './sequences.js';
import { tryCandidate } from './trial.js';
import type { Trained } from './trainer.js';

/** Records the probe in a candidate, tries a copy of it, and judges it. `hashes` tells what the frozen files are by now. */
export async function finishCandidate(
  graduate: Graduate,
  run: {
    readonly options: FinetuneOptions;
    readonly config: ModelConfig;
    readonly data: RunData;
    readonly trained: Trained;
    readonly frozen: Hashes;
    readonly hashes: () => Promise<Hashes>;
  },
): Promise<AgentReport> {
  const { parent, file, sequences, best, rounded, description, before, after } = graduate;
  const { modelDir, threads, margin, settings } = run.options;
  const bytes = targetBytes(sequences.heldOut, run.data.tokenizer);
  const figures = { before: figuresOf(before, bytes, settings.seed), after: figuresOf(after, bytes, settings.seed) };
  const probe = await probeOf(modelDir, threads, rounded, sequences.heldOut[0]!);
  const whole = { ...description, probe, figures: { held_out: figures } };
  const candidate = await saveAgent(file, best, whole, run.config);
  const trial = await tryCandidate(file, modelDir);
  const hashes = await run.hashes();
  const filesChanged = Object.keys(run.frozen).filter((name) => run.frozen[name] !== hashes[name]);
  const measured = before.rows.flatMap(({ count }, row) => (count > 0 ? [row] : []));
  const [rowsBefore, rowsAfter] = [before, after].map(({ rows }) => measured.map((row) => rows[row]!));
  const difference = pairedDifference(rowsBefore!, rowsAfter!, settings.seed);
  return {
    agent: parent.name,
    parent: parent.generation,
    generation: candidate.generation,
    file,
    rows: {
      train: rowsOf(sequences.train),
      valid: rowsOf(sequences.valid),
      held_out: rowsOf(sequences.heldOut),
    },
    held_out: { ...figures, difference },
    parameter_locality: {
      agent_tensors: AGENT_TENSOR_NAMES.length,
      agent_tensors_changed: changedTensors(parent, candidate),
      files_hashed: Object.keys(run.frozen).length,
      files_changed: filesChanged,
    },
    adaptation_cost: adaptationCost(run.config, graduate, run.trained.state, run.data.encodeSeconds),
    trial,
    gate: judge({ difference, margin, filesChanged, trial }),
  };
}

function rowsOf(sequences: readonly Sequence[]): number {
  return new Set(sequences.map(({ row }) => row)).size;
}

function changedTensors(parent: Agent, candidate: Agent): string[] {
  return AGENT_TENSOR_NAMES.filter((name) =>
    parent.tensors[name].some((value, at) => value !== candidate.tensors[name][at]),
  );
}
