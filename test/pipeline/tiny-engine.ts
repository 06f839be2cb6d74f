import path from 'node:path';
import { loadAgent } from '../../adapters/agent.js';
import { loadBackbone } from '../../model/backbone.js';
import type { Engine } from '../../pipeline/pipeline.js';
import { SyntaxChecker } from '../../pipeline/syntax.js';
import { TINY_MODEL } from '../constraints/tiny-vocabulary.js';

/** The tiny model with its agents, as an engine. Close it after use. */
export async function tinyEngine(): Promise<Engine & { close(): Promise<void> }> {
  const backbone = await loadBackbone({ directory: TINY_MODEL });
  const agent = (name: string) => loadAgent(path.join(TINY_MODEL, `${name}.safetensors`), backbone.config);
  const agents = { issueAnalysis: await agent('issue-analysis'), codeGeneration: await agent('code-generation') };
  const syntax = await SyntaxChecker.load();
  return {
    backbone,
    agents,
    syntax,
    async close() {
      syntax.dispose();
      await backbone.close();
    },
  };
}
