import { humanevalChain } from './chains/humaneval.js';
import { pipelineChain } from './chains/pipeline.js';
import { codeGeneration } from './code-generation.js';
import type { AgentDeclaration, ChainDeclaration } from './declaration.js';
import { implementation } from './implementation.js';
import { issueAnalysis } from './issue-analysis.js';
import { specification } from './specification.js';

/** All agents there are. Their order is that of the generations in a release's id: new ones come last. */
const AGENTS = [
  issueAnalysis,
  codeGeneration,
  specification,
  implementation,
] as const satisfies readonly AgentDeclaration[];

/** All chains there are. */
export const CHAINS = [pipelineChain, humanevalChain] as const satisfies readonly ChainDeclaration[];

export type AgentName = (typeof AGENTS)[number]['name'];

export type ChainName = (typeof CHAINS)[number]['name'];

/** A chain that is served where its agents are. */
export type DeclaredTextChain = Extract<(typeof CHAINS)[number], { isRequired: false }>;

export type TextChainName = DeclaredTextChain['name'];

/** An agent without which no server starts. */
export type RequiredAgent = Extract<(typeof CHAINS)[number], { isRequired: true }>['agents'][number];

/** A name as a field of JSON: underscores for hyphens. */
export type FieldOf<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}_${FieldOf<Rest>}`
  : Name;

/** An agent as a field of a release. */
export type AgentField = FieldOf<AgentName>;

export const AGENT_NAMES: readonly AgentName[] = AGENTS.map(({ name }) => name);

export const REQUIRED_AGENTS: readonly RequiredAgent[] = CHAINS.flatMap((chain) =>
  chain.isRequired ? chain.agents : [],
);

/** The field of an agent in a release. */
export function fieldOf<Name extends AgentName>(name: Name): FieldOf<Name> {
  return name.replaceAll('-', '_') as FieldOf<Name>;
}

/** What is declared of an agent. */
export function declarationOf(name: AgentName): (typeof AGENTS)[number] {
  return AGENTS.find((agent) => agent.name === name)!;
}

/** A chain by its name; undefined for `pipeline`, whose work is no text chain's. */
export function textChain(name: string): DeclaredTextChain | undefined {
  return CHAINS.filter((chain) => !chain.isRequired).find((chain) => chain.name === name);
}

/** The chain that an agent works in. */
export function chainOf(name: AgentName): (typeof CHAINS)[number] {
  return CHAINS.find(({ agents }) => (agents as readonly AgentName[]).includes(name))!;
}
