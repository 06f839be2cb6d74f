import path from 'node:path';
import { AGENT_NAMES, REQUIRED_AGENTS, type AgentName } from '../../agents/names.js';
import { TrainingError } from './errors.js';
import type { OnLine } from './rows.js';
import type { StepReport, ValidReport } from './run-state.js';
import type { Settings } from './trainer.js';

/** An agent to train, and the file it begins with; that is only read. */
export interface AgentStart {
  readonly agent: AgentName;
  readonly from: string;
}

/** What `--agent` may name: one agent, or in one run both that every server has. */
export type AgentChoice = AgentName | 'both';

export const AGENT_CHOICES: readonly AgentChoice[] = [...AGENT_NAMES, 'both'];

/** The agents that are meant, each with the file it begins with: `from` itself, or the agent's file in that folder. */
export function startsOf(choice: AgentChoice, from: string): AgentStart[] {
  const names = choice === 'both' ? REQUIRED_AGENTS : [choice];
  const isFile = choice !== 'both' && from.endsWith('.safetensors');
  return names.map((agent) => ({ agent, from: isFile ? from : path.join(from, `${agent}.safetensors`) }));
}

/** What to fine-tune, on what, and where things go. */
export interface FinetuneOptions {
  /** One agent, or both: then they are trained together. */
  readonly agents: readonly AgentStart[];
  /** Rows to train on, JSON lines; without `heldOut` the last of them are held out. */
  readonly rows: string;
  readonly heldOut?: string | undefined;
  readonly shares: { readonly valid: number; readonly heldOut: number };
  readonly modelDir: string;
  /** Folder of cache, checkpoint, candidates and report. */
  readonly work: string;
  readonly threads: number;
  /** Rows that get an analysis which the analysis agent writes, for the code agent to read; 0: none. */
  readonly ownAnalyses: number;
  /** Held-out rows that are asked about as served, before and after the training; 0: none. */
  readonly generate: number;
  readonly settings: Settings;
  readonly resume: boolean;
  /** Least improvement that the gate asks for, in per cent. */
  readonly margin: number;
  readonly onRead?: OnLine;
  readonly onEncoded?: (done: number, total: number) => void;
  readonly onOwnAnalysis?: OnLine;
  readonly onLift?: OnLine;
  readonly onGenerated?: OnLine;
  readonly onReport?: (report: StepReport | ValidReport) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Where the candidate of an agent goes. Throws `TrainingError` (`output_is_input`) if that is where it begins. */
export function candidateFile(work: string, { agent, from }: AgentStart): string {
  const file = path.join(work, `${agent}.safetensors`);
  if (path.resolve(file) === path.resolve(from)) {
    throw new TrainingError('output_is_input', `The candidate would take the place of ${from}; use another --out.`);
  }
  return file;
}
