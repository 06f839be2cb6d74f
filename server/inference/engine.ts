import { loadAgent } from '../../adapters/agent.js';
import { loadBackbone } from '../../model/backbone.js';
import type { Engine } from '../../pipeline/pipeline.js';
import { SyntaxChecker } from '../../pipeline/syntax.js';
import { AgentShelf, payloadOf } from './agent-shelf.js';
import type { AgentPayload, EngineInfo, WorkerSettings } from './messages.js';
import { releaseOf } from './release.js';

export { agentFilesIn } from './release.js';

/** An engine with what it says about itself. */
export interface LoadedEngine {
  readonly engine: Engine;
  readonly info: EngineInfo;
  /** The agents it was loaded with. */
  readonly agents: readonly AgentPayload[];
}

/** Loads backbone, both agents and the syntax check. Throws ModelError or AgentError; nothing stays loaded then. */
export async function loadEngine(options: {
  modelDir: string;
  agents: WorkerSettings['agents'];
  threads: number;
}): Promise<LoadedEngine> {
  const { modelDir, agents: source, threads } = options;
  const backbone = await loadBackbone({ directory: modelDir, threads });
  try {
    const { name, fingerprint } = backbone.config;
    const syntax = await SyntaxChecker.load();
    if ('payloads' in source) {
      const shelf = new AgentShelf(backbone.config);
      shelf.add(source.payloads);
      const info = { model: { name, fingerprint }, release: source.release };
      return { engine: { backbone, agents: shelf.pair(source.release), syntax }, info, agents: source.payloads };
    }
    const [issueAnalysis, codeGeneration] = await Promise.all([
      loadAgent(source.issueAnalysis, backbone.config, 'issue-analysis'),
      loadAgent(source.codeGeneration, backbone.config, 'code-generation'),
    ]);
    return {
      engine: { backbone, agents: { issueAnalysis, codeGeneration }, syntax },
      info: {
        model: { name, fingerprint },
        release: releaseOf(issueAnalysis.generation, codeGeneration.generation),
      },
      agents: [payloadOf(issueAnalysis), payloadOf(codeGeneration)],
    };
  } catch (error) {
    await backbone.close();
    throw error;
  }
}
