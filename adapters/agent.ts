import type { AgentTensors } from '../model/agent-tensors.js';
import type { ModelConfig } from '../model/config.js';

/** The two agents of the system. */
export type AgentName = 'issue-analysis' | 'code-generation';

/** One agent as read from its file: the numbers the decoder takes, and what the file says about itself. */
export interface Agent extends AgentTensors {
  readonly name: AgentName;
  /** SHA-256 (hex) of the file's contents in canonical form; the same contents give the same generation. */
  readonly generation: string;
  /** Fingerprint of the backbone it was trained on. */
  readonly backbone: string;
  /** Measured figures, as the training wrote them (JSON object). */
  readonly figures: Readonly<Record<string, unknown>>;
  /** Where it comes from: parent generation, data, settings (JSON object). */
  readonly lineage: Readonly<Record<string, unknown>>;
  /** Number of parameters. */
  readonly parameters: number;
}

export declare function loadAgent(file: string, config: ModelConfig): Promise<Agent>;
export declare function bareAgent(config: ModelConfig, name?: AgentName): Agent;
