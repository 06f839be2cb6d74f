import type { AgentDeclaration } from './declaration.js';

/** Says in five fields what is wrong and where; the fields stand between `<|analyse|>` and `<|patch|>`. */
export const issueAnalysis = {
  name: 'issue-analysis',
  begins: 'analyse',
  ends: 'patch',
} as const satisfies AgentDeclaration;
