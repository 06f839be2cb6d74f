import { loadAgent } from '../../adapters/agent.js';
import { AGENT_NAMES } from '../../agents/names.js';
import { loadBackbone } from '../../model/backbone.js';
import type { Engine } from '../../pipeline/pipeline.js';
import { SyntaxChecker } from '../../pipeline/syntax.js';
import { AgentShelf, payloadOf } from './agent-shelf.js';
import type { AgentPayload, EngineInfo, WorkerSettings } from './messages.js';
import { filesOf, releaseOf } from './release.js';

export { agentFilesIn } from './release.js';

/** An engine with what it says about itself. */
export interface LoadedEngine {
  readonly engine: Engine;
  readonly info: EngineInfo;
  /** The agents it was loaded with. */
  readonly agents: readonly AgentPayload[];
}

/** Loads backbone, agents and the syntax check. Throws ModelError or AgentError; nothing stays loaded then. */
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
    const agents = await Promise.all(filesOf(source).map(([agent, file]) => loadAgent(file, backbone.config, agent)));
    const release = releaseOf(...AGENT_NAMES.map((agent) => agents.find(({ name }) => name === agent)?.generation));
    const payloads = agents.map(payloadOf);
    const shelf = new AgentShelf(backbone.config);
    shelf.add(payloads);
    return {
      engine: { backbone, agents: shelf.pair(release), syntax },
      info: { model: { name, fingerprint }, release },
      agents: payloads,
    };
  } catch (error) {
    await backbone.close();
    throw error;
  }
}
