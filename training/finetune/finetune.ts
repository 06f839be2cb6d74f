import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadAgent, saveAgent, type Agent, type AgentDescription } from '../../adapters/agent.js';
import type { AgentName } from '../../agents/names.js';
import { AGENT_TENSOR_NAMES } from '../../model/agent-tensors.js';
import { loadBackbone } from '../../model/backbone.js';
import { readConfig, type ModelConfig } from '../../model/config.js';
import type { Tokenizer } from '../../model/tokenizer.js';
import { writeJson } from '../evaluation/report.js';
import { countOperations, countParameters } from './cost.js';
import { TrainingError } from './errors.js';
import { evaluateAgent, type Evaluated } from './evaluation.js';
import { judge } from './gate.js';
import { TrainingGraphs, type AgentNumbers } from './graphs.js';
import { backboneHashes, hashOfFile, type Hashes } from './integrity.js';
import { MemoryCache } from './memory-cache.js';
import { pairedDifference } from './paired-bootstrap.js';
import { partnerOf } from './partner.js';
import { pipelineLift } from './pipeline-lift.js';
import { probeOf } from './probe.js';
import { figuresOf, renderReport, type Report } from './report.js';
import { readRows, type OnLine, type ReadRows } from './rows.js';
import { sequencesOf, targetBytes, type Sequence, type TrainingRow } from './sequences.js';
import { splitRows, type Split } from './split.js';
import { tryCandidate } from './trial.js';
import { train, type Settings, type StepReport, type Trained, type ValidReport } from './trainer.js';

/** What to fine-tune, on what, and where things go. */
export interface FinetuneOptions {
  readonly agent: AgentName;
  /** Rows to train on, JSON lines; without `heldOut` the last of them are held out. */
  readonly rows: string;
  readonly heldOut?: string | undefined;
  readonly shares: { readonly valid: number; readonly heldOut: number };
  readonly modelDir: string;
  /** The agent's file to start from; it is only read. */
  readonly from: string;
  /** Folder of cache, checkpoint, candidate and report. */
  readonly work: string;
  readonly threads: number;
  readonly settings: Settings;
  readonly resume: boolean;
  /** Least improvement that the gate asks for, in per cent. */
  readonly margin: number;
  readonly onRead?: OnLine;
  readonly onEncoded?: (done: number, total: number) => void;
  readonly onLift?: OnLine;
  readonly onReport?: (report: StepReport | ValidReport) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Fine-tunes one agent and writes the candidate, report.json and report.md into the work folder; nothing else changes.
 * Throws `TrainingError`, `ModelError`, `AgentError`; after `aborted` the run can be resumed.
 */
export async function finetune(options: FinetuneOptions): Promise<Report> {
  const { modelDir, work, from, signal } = options;
  const file = path.join(work, `${options.agent}.safetensors`);
  if (path.resolve(file) === path.resolve(from)) {
    throw new TrainingError('output_is_input', `The candidate would take the place of ${from}; use another --out.`);
  }
  const config = await readConfig(modelDir);
  const before = await frozenHashes(modelDir, config, from);
  const parent = await loadAgent(from, config, options.agent);
  const partner = await partnerOf(options, config);
  const cache = new MemoryCache(path.join(work, 'memory'), config);
  const { split, tokenizer } = await prepare(options, config, cache);
  const sequences = (rows: readonly TrainingRow[]): Sequence[] =>
    rows.flatMap((row, position) => sequencesOf(row, position, options.agent, tokenizer));
  const trainSequences = sequences(split.train);
  const heldOutSequences = sequences(split.heldOut);
  const validations: ValidReport[] = [];
  const graphs = await TrainingGraphs.load(modelDir, config, cache, options.threads);
  const learn = async (): Promise<Learnt> => {
    const measure = (agent: AgentNumbers): Promise<Evaluated> =>
      evaluateAgent(graphs, agent, heldOutSequences, {
        rows: split.heldOut.length,
        microBatch: options.settings.microBatch,
        signal,
      });
    const measuredBefore = await measure(parent.tensors);
    const trained = await train({
      graphs,
      start: parent.tensors,
      train: trainSequences,
      valid: sequences(split.valid),
      validRows: split.valid.length,
      settings: options.settings,
      checkpoint: {
        file: path.join(work, 'checkpoint.safetensors'),
        run: identityOf(options, config, parent, split),
        resume: options.resume,
      },
      onReport: (report) => {
        if ('valid_loss' in report) validations.push(report);
        options.onReport?.(report);
      },
      signal,
    });
    const lineage = {
      parent: parent.generation,
      settings: options.settings,
      best_step: trained.state.bestStep,
      rows: { train: split.train.length, valid: split.valid.length, sha256: hashOfRows([split.train, split.valid]) },
    };
    const description = { name: options.agent, backbone: config.fingerprint, lineage };
    // Half precision rounds: what is measured is what will be served.
    const rounded = await saveAgent(file, trained.best, description, config);
    return { trained, description, rounded, measuredBefore, measuredAfter: await measure(rounded.tensors) };
  };
  const { trained, description, rounded, measuredBefore, measuredAfter } = await learn().finally(() =>
    // Not kept while other copies of the backbone are loaded.
    graphs.dispose(),
  );
  const bytes = targetBytes(heldOutSequences, tokenizer);
  const heldOut = { before: figuresOf(measuredBefore.total, bytes), after: figuresOf(measuredAfter.total, bytes) };
  const probe = await probeOf(modelDir, options.threads, rounded, heldOutSequences[0]!);
  const whole = { ...description, probe, figures: { held_out: heldOut } };
  const candidate = await saveAgent(file, trained.best, whole, config);
  const trial = await tryCandidate(file, modelDir);
  const after = await frozenHashes(modelDir, config, from);
  const filesChanged = Object.keys(before).filter((name) => before[name] !== after[name]);
  const difference = pairedDifference(measuredBefore.rows, measuredAfter.rows, options.settings.seed);
  const agents: Partial<Record<AgentName, Agent>> = { ...partner, [options.agent]: rounded };
  const { 'issue-analysis': analyst, 'code-generation': coder } = agents;
  const lift =
    analyst && coder
      ? await pipelineLift(
          split.heldOut,
          { analyst, coder },
          {
            modelDir,
            threads: options.threads,
            seed: options.settings.seed,
            onRow: options.onLift,
            signal,
          },
        )
      : undefined;
  const report: Report = {
    agent: options.agent,
    backbone: config.fingerprint,
    parent: parent.generation,
    generation: candidate.generation,
    file,
    settings: options.settings,
    rows: {
      train: split.train.length,
      valid: split.valid.length,
      held_out: split.heldOut.length,
      dropped: split.dropped,
    },
    held_out: { ...heldOut, difference },
    pipeline_lift: lift,
    training: { ...trained.state, stopped_early: trained.stoppedEarly, validations },
    parameter_locality: {
      agent_tensors: AGENT_TENSOR_NAMES.length,
      agent_tensors_changed: changedTensors(parent, candidate),
      files_hashed: Object.keys(before).length,
      files_changed: filesChanged,
    },
    adaptation_cost: {
      parameters: countParameters(config, parent.parameters),
      operations: countOperations(config, trainSequences),
    },
    trial,
    gate: judge({ difference, margin: options.margin, filesChanged, trial }),
  };
  await writeJson(path.join(work, 'report.json'), report);
  await writeFile(path.join(work, 'report.md'), renderReport(report));
  return report;
}

/** What comes of the training graphs. */
interface Learnt {
  readonly trained: Trained;
  readonly description: AgentDescription;
  readonly rounded: Agent;
  readonly measuredBefore: Evaluated;
  readonly measuredAfter: Evaluated;
}

/** Rows as tokens, and their sources in the cache. The backbone's sessions are open only for this. */
async function prepare(
  options: FinetuneOptions,
  config: ModelConfig,
  cache: MemoryCache,
): Promise<{ readonly split: Split; readonly tokenizer: Tokenizer }> {
  await mkdir(options.work, { recursive: true });
  const backbone = await loadBackbone({ directory: options.modelDir, threads: options.threads });
  try {
    const { tokenizer } = backbone;
    const read = (file: string): Promise<ReadRows> =>
      readRows(file, config, tokenizer, { onLine: options.onRead, signal: options.signal });
    const rows = await read(options.rows);
    const heldOut = options.heldOut === undefined ? undefined : await read(options.heldOut);
    const split = splitRows(rows, heldOut, options.agent, options.shares);
    const sources = [...split.train, ...split.valid, ...split.heldOut].map(({ sourceIds }) => sourceIds);
    const tell = (done: number): void => options.onEncoded?.(done, sources.length);
    await cache.fill(sources, backbone, tell, options.signal);
    return { split, tokenizer };
  } finally {
    await backbone.close();
  }
}

/** Hashes of all that must not change: the backbone's files and the agent's file that the run starts from. */
async function frozenHashes(modelDir: string, config: ModelConfig, agentFile: string): Promise<Hashes> {
  return { ...(await backboneHashes(modelDir, config)), [path.basename(agentFile)]: await hashOfFile(agentFile) };
}

/** What must be the same for a checkpoint to be gone on from. */
function identityOf({ settings }: FinetuneOptions, config: ModelConfig, parent: Agent, split: Split): string {
  const parts = [
    config.fingerprint,
    config.training?.step.sha256,
    parent.generation,
    settings,
    hashOfRows([split.train, split.valid]),
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function hashOfRows(lists: readonly (readonly TrainingRow[])[]): string {
  const hash = createHash('sha256');
  for (const rows of lists) {
    hash.update('rows\n');
    for (const row of rows) hash.update(`${JSON.stringify([row.sourceIds, row.analysisIds, row.patchIds])}\n`);
  }
  return hash.digest('hex');
}

function changedTensors(parent: Agent, candidate: Agent): string[] {
  return AGENT_TENSOR_NAMES.filter((name) =>
    parent.tensors[name].some((value, at) => value !== candidate.tensors[name][at]),
  );
}
