import type { AgentDeclaration } from './declaration.js';

/** Writes the body of a function after its specification, each line as an added one. */
export const implementation = {
  name: 'implementation',
  begins: 'patch',
  ends: null,
} as const satisfies AgentDeclaration;
