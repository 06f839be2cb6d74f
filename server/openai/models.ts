import type { CompletionRequest } from '../../pipeline/types.js';
import { AppError } from '../errors.js';
import type { Release } from '../inference/messages.js';

/** The model ids of the OpenAI-compatible routes. */
export const MODEL_IDS = ['pipeline', 'backbone', 'backbone:issue-analysis', 'backbone:code-generation'] as const;

export type ModelId = (typeof MODEL_IDS)[number];

/** A model that continues text, not the pipeline. */
export type RawModelId = Exclude<ModelId, 'pipeline'>;

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

/** The agent that decodes for a model that continues text. */
export function agentOf(model: RawModelId): CompletionRequest['agent'] {
  switch (model) {
    case 'backbone':
      return null;
    case 'backbone:issue-analysis':
      return 'issue-analysis';
    case 'backbone:code-generation':
      return 'code-generation';
  }
}

/** The ids of the agents that a request to a model uses. */
export function adaptersOf(model: ModelId): readonly ModelId[] {
  if (model === 'backbone') return [];
  return model === 'pipeline' ? ['backbone:issue-analysis', 'backbone:code-generation'] : [model];
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
  const adapter_generation = {
    pipeline: null,
    backbone: null,
    'backbone:issue-analysis': release.issue_analysis,
    'backbone:code-generation': release.code_generation,
  }[id];
  const parent = adapter_generation === null ? null : 'backbone';
  return { id, object: 'model', created, owned_by: 'agentic-seq2seq', root: id, parent, adapter_generation };
}
