import type { AgentDeclaration } from './declaration.js';

/** Says in one line what a function is to do; its signature and that line stand between `<|analyse|>` and `<|patch|>`. */
export const specification = {
  name: 'specification',
  begins: 'analyse',
  ends: 'patch',
} as const satisfies AgentDeclaration;
