import { AGENT_NAMES, CHAINS, fieldOf, type AgentName, type ChainName } from '../../agents/names.js';
import { AppError } from '../errors.js';
import type { Release } from '../inference/messages.js';
import { agentsOf } from '../inference/release.js';

/** A model that continues text: the backbone alone or with one agent. */
export type RawModelId = 'backbone' | `backbone:${AgentName}`;

export type ModelId = ChainName | RawModelId;

const modelOf = (name: AgentName): RawModelId => `backbone:${name}`;
const ids = (isRequired: boolean): readonly ModelId[] =>
  CHAINS.filter((chain) => chain.isRequired === isRequired).map(({ name }) => name);

/** The model ids of the OpenAI-compatible routes, served or not: chains that are always there, models of text, other chains. */
export const MODEL_IDS: readonly ModelId[] = [...ids(true), 'backbone', ...AGENT_NAMES.map(modelOf), ...ids(false)];

/** A model as `GET /v1/models` lists it; `root`, `parent` and `adapter_generation` as gateways for adapters know them. */
interface ModelCard {
  readonly id: ModelId;
  readonly object: 'model';
  /** Seconds since 1970. */
  readonly created: number;
  readonly owned_by: string;
  readonly root: string;
  readonly parent: string | null;
  readonly adapter_generation: string | null;
}

/** Whether a model continues text. */
export function isRaw(model: ModelId): model is RawModelId {
  return model === 'backbone' || agentOf(model) !== null;
}

/** The agent that decodes for a model that continues text. */
export function agentOf(model: ModelId): AgentName | null {
  return AGENT_NAMES.find((name) => modelOf(name) === model) ?? null;
}

/** The agents that a request to a model uses. */
function agentsFor(model: ModelId): readonly AgentName[] {
  const agent = agentOf(model);
  return CHAINS.find(({ name }) => name === model)?.agents ?? (agent === null ? [] : [agent]);
}

/** The ids of the agents that a request to a model uses. */
export function adaptersOf(model: ModelId): readonly ModelId[] {
  return agentsFor(model).map(modelOf);
}

/** The models whose agents are all in a release. */
export function servedModels(release: Release): readonly ModelId[] {
  return MODEL_IDS.filter((model) => agentsFor(model).every((name) => release[fieldOf(name)] !== undefined));
}

/** The ids of the agents in a release. */
export function servedAgents(release: Release): readonly ModelId[] {
  return agentsOf(release).map(([name]) => modelOf(name));
}

/** Throws AppError `model_not_found` when an agent of the model is not in a release. */
export function requireServed(model: ModelId, release: Release): void {
  const missing = agentsFor(model).filter((name) => release[fieldOf(name)] === undefined);
  if (missing.length === 0) return;
  throw new AppError(
    'model_not_found',
    `${model} is not served: there is no agent ${missing.join(' and no agent ')}.`,
    {
      details: [{ path: '/model', message: 'is not served' }],
    },
  );
}

/** The id as such. Throws AppError `model_not_found`. */
export function requireModel(id: string): ModelId {
  const found = MODEL_IDS.find((model) => model === id);
  if (found !== undefined) return found;
  throw new AppError('model_not_found', `There is no model ${id.slice(0, 100)}; there are ${MODEL_IDS.join(', ')}.`, {
    details: [{ path: '/model', message: 'is not a model' }],
  });
}

/** What is said of a model while a release is served. `created` is in seconds since 1970. */
export function modelCard(id: ModelId, release: Release, created: number): ModelCard {
  const agent = agentOf(id);
  const adapter_generation = agent === null ? null : (release[fieldOf(agent)] ?? null);
  const parent = adapter_generation === null ? null : 'backbone';
  return { id, object: 'model', created, owned_by: 'agentic-seq2seq', root: id, parent, adapter_generation };
}
