import type { Logger } from 'pino';
import type { Admitted } from './admitted-run.js';
import type { ChainResult, CompletionResult, InferenceResult } from './inference/messages.js';
import type { Metrics } from './metrics.js';
import type { ModelId } from './openai/models.js';

/** Where answers are counted and logged. */
interface AnswerSinks {
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Counts and logs an answer of the pipeline to the request `id`. Neither the request's text nor the answer's is logged. */
export function observePatches(
  { metrics, logger }: AnswerSinks,
  id: string,
  { slot, lease }: Admitted,
  answer: InferenceResult,
): void {
  const { result, release } = answer;
  const { status, usage } = result;
  metrics.observeResult(answer, lease.label, slot.waitedMs);
  const timings = { queue: slot.waitedMs, ...result.timings };
  const patches = result.patches.length;
  logger.info({ id, status, patches, usage, timings, release, label: lease.label }, 'patches');
}

/** Counts and logs a completion, which took `ms` after the queue; no text of it is logged. */
export function observeCompletion(
  { metrics, logger }: AnswerSinks,
  id: string,
  { slot, lease }: Admitted,
  model: ModelId,
  { completion, release }: CompletionResult,
  ms: number,
): void {
  const { usage, finish } = completion;
  metrics.promptTokens.inc(usage.prompt_tokens);
  metrics.agents.generationTokens.inc(
    { agent: model === 'backbone' ? model : model.replace('backbone:', '') },
    usage.completion_tokens,
  );
  const timings = { queue: slot.waitedMs, total: ms };
  logger.info({ id, model, finish, usage, timings, release, label: lease.label }, 'completion');
}

/** Counts and logs a chain's answer, which took `ms` after the queue; no text of it is logged. */
export function observeChain(
  { metrics, logger }: AnswerSinks,
  id: string,
  { slot, lease }: Admitted,
  model: ModelId,
  { answer, release }: ChainResult,
  ms: number,
): void {
  const { usage, tries } = answer;
  metrics.promptTokens.inc(usage.prompt_tokens);
  const timings = { queue: slot.waitedMs, total: ms };
  for (const { agent, tokens } of tries) metrics.agents.generationTokens.inc({ agent }, tokens);
  const passed = answer.text !== null;
  logger.info({ id, model, passed, tries: tries.length, usage, timings, release, label: lease.label }, 'chain');
}
