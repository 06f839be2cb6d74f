import { join } from 'node:path';
import { loadAgent, type AgentName } from '../../adapters/agent.js';
import { loadBackbone } from '../../model/backbone.js';
import type { Engine } from '../../pipeline/pipeline.js';
import { SyntaxChecker } from '../../pipeline/syntax.js';
import type { EngineInfo } from './messages.js';

/** An engine with what it says about itself. */
export interface LoadedEngine {
  readonly engine: Engine;
  readonly info: EngineInfo;
}

/** Loads backbone, both agents and the syntax check. Throws ModelError or AgentError; nothing stays loaded then. */
export async function loadEngine(options: {
  modelDir: string;
  agentsDir: string;
  threads: number;
}): Promise<LoadedEngine> {
  const { modelDir, agentsDir, threads } = options;
  const backbone = await loadBackbone({ directory: modelDir, threads });
  try {
    const load = (name: AgentName): ReturnType<typeof loadAgent> =>
      loadAgent(join(agentsDir, `${name}.safetensors`), backbone.config, name);
    const [issueAnalysis, codeGeneration, syntax] = await Promise.all([
      load('issue-analysis'),
      load('code-generation'),
      SyntaxChecker.load(),
    ]);
    const { name, fingerprint } = backbone.config;
    return {
      engine: { backbone, agents: { issueAnalysis, codeGeneration }, syntax },
      info: {
        model: { name, fingerprint },
        release: { issue_analysis: issueAnalysis.generation, code_generation: codeGeneration.generation },
      },
    };
  } catch (error) {
    await backbone.close();
    throw error;
  }
}
