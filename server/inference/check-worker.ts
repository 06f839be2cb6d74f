/** Runs in a worker thread of its own: loads agents' files and tries them on a backbone, so that no request waits for it. */
import { parentPort, workerData } from 'node:worker_threads';
import { bareAgent, loadAgent, type Agent } from '../../adapters/agent.js';
import { checkAgent } from '../../adapters/check-agent.js';
import { AgentError } from '../../adapters/errors.js';
import { loadBackbone } from '../../model/backbone.js';
import { complete } from '../../pipeline/completion.js';
import { createPatches } from '../../pipeline/pipeline.js';
import { payloadOf } from './agent-shelf.js';
import type { CheckReply, CheckRequest } from './messages.js';
import { warmUpCompletion, warmUpOptions, warmUpRequest } from './warm-up.js';

async function main(): Promise<void> {
  const port = parentPort;
  if (!port) throw new Error('This module runs in a worker thread.');
  const { modelDir } = workerData as { modelDir: string };
  const backbone = await loadBackbone({ directory: modelDir, threads: 1 });

  /** A first request with the agent in its place in the pipeline, or alone if it has none there. */
  const firstRequest = async (agent: Agent): Promise<unknown> => {
    const bare = bareAgent(backbone.config);
    const agents = { issueAnalysis: bare, codeGeneration: bare };
    if (agent.name === 'issue-analysis') agents.issueAnalysis = agent;
    else if (agent.name === 'code-generation') agents.codeGeneration = agent;
    else return complete({ backbone, agent }, { ...warmUpCompletion, agent: agent.name });
    return createPatches({ backbone, agents }, warmUpRequest, { options: warmUpOptions });
  };

  const check = async ({ id, file, maxBytes }: CheckRequest): Promise<CheckReply> => {
    try {
      const agent = await loadAgent(file, backbone.config, undefined, maxBytes);
      await checkAgent(backbone, agent);
      await firstRequest(agent).catch((cause: unknown) => {
        throw new AgentError('agent_warm_up_failed', 'The first request with the agent failed.', { cause });
      });
      const { name, generation, parameters, figures, lineage } = agent;
      const card = { agent: name, generation, parameters, figures, lineage };
      return { type: 'checked', id, card, payload: payloadOf(agent) };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { type: 'refused', id, code: error instanceof AgentError ? error.code : undefined, message };
    }
  };

  port.on('message', (message: CheckRequest) => {
    void check(message).then((reply) => {
      port.postMessage(reply);
    });
  });
  port.postMessage({ type: 'ready' } satisfies CheckReply);
}

await main();
