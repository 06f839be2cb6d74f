import path from 'node:path';
import { loadAgent, type Agent } from '../../adapters/agent.js';
import { readConfig, type ModelConfig } from '../../model/config.js';
import { AnalysisCache } from './analysis-cache.js';
import { finishCandidate } from './candidate.js';
import { generatedPatches, type GeneratedPatches } from './generated-patches.js';
import { backboneHashes, hashOfFile, type Hashes } from './integrity.js';
import { learn, type Graduate, type Pupil } from './learn.js';
import { MemoryCache } from './memory-cache.js';
import { candidateFile, type AgentStart, type FinetuneOptions } from './options.js';
import { partnersOf } from './partner.js';
import { pipelineLift, type AgentPair, type PipelineLift } from './pipeline-lift.js';
import type { AgentReport, Report } from './report.js';
import { agentSequences, prepare, type Caches, type RunData } from './run-data.js';
import type { PerAgent } from './run-state.js';
import { writeReport } from './write-report.js';

/**
 * Fine-tunes one agent, or both together, and writes candidates, report.json, report.md and its plots into the work folder;
 * nothing else changes. Throws `TrainingError`, `ModelError`, `AgentError`; after `aborted` the run can be resumed.
 */
export async function finetune(options: FinetuneOptions): Promise<Report> {
  const { modelDir, work } = options;
  const files = options.agents.map((start) => candidateFile(work, start));
  const config = await readConfig(modelDir);
  const hashes = (): Promise<Hashes> => frozenHashes(modelDir, config, options.agents);
  const frozen = await hashes();
  const parents: Agent[] = [];
  for (const { agent, from } of options.agents) parents.push(await loadAgent(from, config, agent));
  const partners = await partnersOf(options.agents, config);
  const memory = new MemoryCache(path.join(work, 'memory'), config);
  const caches = { memory, analyses: new AnalysisCache(path.join(work, 'analyses'), memory) };
  const started = { ...partners, ...Object.fromEntries(parents.map((parent) => [parent.name, parent])) };
  const data = await prepare(options, config, caches, started['issue-analysis']);
  const pupils = options.agents.map(({ agent, from }, at): Pupil => ({
    parent: parents[at]!,
    from,
    file: files[at]!,
    sequences: agentSequences(data, agent),
  }));
  const { graduates, trained } = await learn(pupils, data, options, { config, cache: memory });
  const agents: AgentReport[] = [];
  for (const graduate of graduates) {
    agents.push(await finishCandidate(graduate, { options, config, data, trained, frozen, hashes }));
  }
  const pairs = pairsOf(started, graduates);
  const report: Report = {
    backbone: config.fingerprint,
    settings: options.settings,
    rows: {
      train: data.split.train.length,
      valid: data.split.valid.length,
      held_out: data.split.heldOut.length,
      dropped: data.split.dropped,
    },
    agents,
    pipeline_lift: pairs && (await liftOf(pairs, data, options, caches)),
    generated: pairs && (await generatedOf(pairs, data, options)),
    own_analyses: data.ownAnalyses,
    training: { ...trained.state, stopped_early: trained.stoppedEarly },
  };
  await writeReport(work, report);
  return report;
}

interface Pairs {
  readonly before: AgentPair;
  readonly after: AgentPair;
}

/** The pair that the run began with, and the pair it leaves; undefined without a second agent. */
function pairsOf(started: PerAgent<Agent>, graduates: readonly Graduate[]): Pairs | undefined {
  const before = pairOf(started);
  const after = pairOf({ ...started, ...Object.fromEntries(graduates.map(({ rounded }) => [rounded.name, rounded])) });
  return before && after && { before, after };
}

function liftOf(
  pairs: Pairs,
  { split }: RunData,
  { modelDir, threads, settings, onLift, signal }: FinetuneOptions,
  caches: Caches,
): Promise<PipelineLift | undefined> {
  return pipelineLift(split.heldOut, pairs, { modelDir, threads, seed: settings.seed, caches, onRow: onLift, signal });
}

async function generatedOf(
  pairs: Pairs,
  { split }: RunData,
  { generate: count, heldOut, rows, modelDir, threads, settings, onGenerated, signal }: FinetuneOptions,
): Promise<GeneratedPatches | undefined> {
  if (count === 0) return undefined;
  const [file, seed] = [heldOut ?? rows, settings.seed];
  return generatedPatches(split.heldOut, pairs, { file, count, modelDir, threads, seed, onRow: onGenerated, signal });
}

function pairOf({ 'issue-analysis': analyst, 'code-generation': coder }: PerAgent<Agent>): AgentPair | undefined {
  return analyst && coder && { analyst, coder };
}

/** Hashes of all that must not change: the backbone's files and the agents' files that the run starts from. */
async function frozenHashes(modelDir: string, config: ModelConfig, starts: readonly AgentStart[]): Promise<Hashes> {
  const hashes: Record<string, string> = { ...(await backboneHashes(modelDir, config)) };
  for (const { from } of starts) hashes[path.basename(from)] = await hashOfFile(from);
  return hashes;
}
