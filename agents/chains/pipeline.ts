import { codeGeneration } from '../code-generation.js';
import type { ChainDeclaration } from '../declaration.js';
import { issueAnalysis } from '../issue-analysis.js';

/** Issue and files → analysis → patch; `POST /v1/patches` and the model `pipeline`. */
export const pipelineChain = {
  name: 'pipeline',
  agents: [issueAnalysis.name, codeGeneration.name],
  isRequired: true,
} as const satisfies ChainDeclaration;
