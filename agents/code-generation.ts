import type { AgentDeclaration } from './declaration.js';

/** Writes the hunks of the patch after an analysis. */
export const codeGeneration = {
  name: 'code-generation',
  begins: 'patch',
  ends: null,
} as const satisfies AgentDeclaration;
