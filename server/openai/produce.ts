import type { Response } from 'express';
import { textChain } from '../../agents/names.js';
import type { PipelineEvent } from '../../pipeline/types.js';
import { idOf, type Admitted, type InferenceDeps } from '../admitted-run.js';
import { observeChain, observeCompletion, observePatches } from '../answer-log.js';
import { AppError } from '../errors.js';
import { readPatchRequest } from '../request-checks.js';
import type { Outcome } from '../metrics.js';
import { chainTraced, completeTraced, runTraced } from '../telemetry/inference-spans.js';
import { answerText, chainText } from './answer-text.js';
import { readIssueText } from './issue-text.js';
import { agentOf, isRaw, type RawModelId } from './models.js';
import type { FinishReason, TokenUsage } from './objects.js';
import type { OpenAiRequest, Surface } from './parameters.js';

/** A text that was made, and how. */
export interface Produced {
  readonly text: string;
  readonly reason: FinishReason;
  readonly usage: TokenUsage;
  readonly outcome: Outcome;
}

/** Makes the text of an answer on a worker; `onText` gets it in pieces. */
export type Producer = (admitted: Admitted, onText?: (text: string) => void) => Promise<Produced>;

/** OpenAI's default for texts; a chat may take all there is. */
const DEFAULT_TEXT_TOKENS = 16;

/** What answers a request. Throws AppError where an issue or its files cannot be used. */
export function producerOf(deps: InferenceDeps, asked: OpenAiRequest, surface: Surface, response: Response): Producer {
  const { model } = asked;
  const chain = textChain(model);
  if (chain) return answerOfChain(deps, asked, chain, surface, response);
  return isRaw(model) ? continuation(deps, asked, model, surface, response) : pipeline(deps, asked, response);
}

function pipeline(deps: InferenceDeps, asked: OpenAiRequest, response: Response): Producer {
  const { temperature, seed, maxTokens } = asked;
  const { request } = readPatchRequest(
    {
      ...readIssueText(asked.text),
      temperature,
      seed,
      ...(maxTokens !== undefined && { max_new_tokens: maxTokens }),
    },
    deps.contract,
    deps.config.limits,
  );
  return async (admitted, onText) => {
    const answered = await runTraced(deps.host, admitted, request);
    const { result } = answered;
    observePatches(deps, idOf(response), admitted, answered);
    const parts = answerText(result);
    for (const part of parts) onText?.(part);
    const { source_tokens, analysis_tokens, patch_tokens } = result.usage;
    return {
      text: parts.join(''),
      reason: 'stop',
      usage: { prompt_tokens: source_tokens, completion_tokens: analysis_tokens + patch_tokens },
      outcome: result.status,
    };
  };
}

function answerOfChain(
  deps: InferenceDeps,
  { text: prompt, temperature, seed, maxTokens }: OpenAiRequest,
  chain: NonNullable<ReturnType<typeof textChain>>,
  surface: Surface,
  response: Response,
): Producer {
  if (!chain.read(prompt)) {
    throw new AppError('invalid_request', `${chain.name} cannot answer this prompt.`, {
      details: [{ path: surface === 'chat' ? '/messages' : '/prompt', message: `is no prompt for ${chain.name}` }],
    });
  }
  const { maxNewTokens } = deps.config.limits;
  const request = { chain: chain.name, prompt, max_tokens: maxTokens ?? maxNewTokens, temperature, seed };
  return async (admitted, onText) => {
    const started = performance.now();
    const answered = await chainTraced(deps.host, admitted, surface, request);
    observeChain(deps, idOf(response), admitted, chain.name, answered, performance.now() - started);
    const { answer } = answered;
    const text = chainText(answer, surface);
    if (text !== '') onText?.(text);
    return { text, reason: 'stop', usage: answer.usage, outcome: answer.text === null ? 'abstained' : 'completed' };
  };
}

function continuation(
  deps: InferenceDeps,
  asked: OpenAiRequest,
  model: RawModelId,
  surface: Surface,
  response: Response,
): Producer {
  const { host, config } = deps;
  const fallback = surface === 'text' ? DEFAULT_TEXT_TOKENS : config.limits.maxNewTokens;
  const request = {
    agent: agentOf(model),
    prompt: asked.text,
    max_tokens: Math.min(asked.maxTokens ?? fallback, config.limits.maxNewTokens),
    temperature: asked.temperature,
    top_p: asked.topP,
    seed: asked.seed,
    stop: asked.stop,
  };
  return async (admitted, onText) => {
    const started = performance.now();
    const onEvent =
      onText &&
      ((event: PipelineEvent): void => {
        if (event.type === 'text') onText(event.text);
      });
    const completed = await completeTraced(host, admitted, model, surface, request, onEvent);
    observeCompletion(deps, idOf(response), admitted, model, completed, performance.now() - started);
    const { text, finish, usage } = completed.completion;
    return { text, reason: finish, usage, outcome: 'completed' };
  };
}
