import type { Limits } from '../config.js';
import { AppError } from '../errors.js';
import type { Contract } from '../openapi.js';
import { lastUserText, type Message } from './messages.js';
import { isRaw, requireModel, type ModelId } from './models.js';

/** The two ways to ask: with messages or with a text. */
export type Surface = 'chat' | 'text';

/** A request to one of the OpenAI-compatible routes, checked. */
export interface OpenAiRequest {
  readonly model: ModelId;
  /** The prompt, or the last user message. */
  readonly text: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** Undefined: the default of the model. */
  readonly maxTokens: number | undefined;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  readonly stop: readonly string[];
}

/** The body once it fits the schema and nulls are gone. */
interface Body {
  readonly model: string;
  readonly messages: readonly Message[];
  readonly prompt: string | readonly [string];
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean | null };
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
  readonly temperature?: number;
  readonly top_p?: number;
  readonly seed?: number;
  readonly stop?: string | readonly string[];
}

const common = ['model', 'stream', 'stream_options', 'max_tokens', 'temperature', 'top_p', 'seed', 'stop'];
const followed: Record<Surface, readonly string[]> = {
  chat: [...common, 'messages', 'max_completion_tokens'],
  text: [...common, 'prompt'],
};

/** They change no answer of the OpenAI API either: whom it is for, how it is filed and billed. */
const ignored = ['user', 'metadata', 'service_tier', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention'];

/** Parameters that cannot be followed, with the value that asks for nothing. */
const neutral = new Map<string, unknown>([
  ['n', 1],
  ['best_of', 1],
  ['presence_penalty', 0],
  ['frequency_penalty', 0],
  ['logit_bias', {}],
  ['logprobs', false],
  ['echo', false],
  ['suffix', ''],
  ['store', false],
  ['tools', []],
  ['tool_choice', 'none'],
  ['response_format', { type: 'text' }],
  ['modalities', ['text']],
]);

/** Chains decode by their own rules. */
const neutralForChains = new Map<string, unknown>([...neutral, ['top_p', 1], ['stop', []]]);

/**
 * Checks a parsed body. A null counts as absent. Throws AppError `invalid_request`, `model_not_found` or `unsupported_parameter`,
 * the first fault in details.
 */
export function readOpenAiRequest(
  parsed: unknown,
  surface: Surface,
  contract: Contract,
  limits: Limits,
): OpenAiRequest {
  const present = withoutNulls(parsed);
  const details = contract.requestBody(surface === 'chat' ? 'createChatCompletion' : 'createCompletion')(present);
  const first = details[0];
  if (first) throw new AppError('invalid_request', `${first.path || 'The body'} ${first.message}.`, { details });
  const body = present as Body;
  const model = requireModel(body.model);
  checkParameters(body, surface, model);
  const maxTokens = body.max_completion_tokens ?? body.max_tokens;
  if (maxTokens !== undefined && maxTokens > limits.maxNewTokens) {
    fault('max_tokens', `must be at most ${limits.maxNewTokens} (MAX_NEW_TOKENS)`);
  }
  const { stream = false, stream_options: options, stop = [] } = body;
  if (options !== undefined && !stream) fault('stream_options', 'is only allowed with stream');
  return {
    model,
    text: surface === 'chat' ? lastUserText(body.messages) : [body.prompt].flat().join(''),
    stream,
    includeUsage: options?.include_usage === true,
    maxTokens,
    temperature: body.temperature ?? 0,
    topP: body.top_p ?? 1,
    seed: body.seed ?? 0,
    stop: [stop].flat(),
  };
}

function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

function checkParameters(body: object, surface: Surface, model: ModelId): void {
  const restricted = isRaw(model) ? neutral : neutralForChains;
  for (const [name, value] of Object.entries(body)) {
    const isRestricted = restricted.has(name);
    if (isRestricted && JSON.stringify(restricted.get(name)) === JSON.stringify(value)) continue;
    if (!isRestricted && (followed[surface].includes(name) || ignored.includes(name))) continue;
    const message = isRestricted ? `cannot be followed by ${model}` : 'is not a known parameter';
    throw new AppError('unsupported_parameter', `${name.slice(0, 100)} ${message}.`, {
      details: [{ path: `/${name.slice(0, 100)}`, message }],
    });
  }
}

function fault(name: string, message: string): never {
  throw new AppError('invalid_request', `${name} ${message}.`, { details: [{ path: `/${name}`, message }] });
}
