import type { ChainRequest, CompletionRequest, PatchRequest, PipelineEvent } from '../../pipeline/types.js';
import type { Admitted } from '../admitted-run.js';
import type { InferenceHost } from '../inference/host.js';
import type { ChainResult, CompletionResult, InferenceResult } from '../inference/messages.js';
import type { RawModelId } from '../openai/models.js';
import type { Surface } from '../openai/parameters.js';
import { errorType, type Attributes, type Span } from './span.js';

/** What the two routes for texts are called in a trace. */
const operations: Readonly<Record<Surface, string>> = { chat: 'chat', text: 'text_completion' };

type OnEvent = (event: PipelineEvent) => void;

/** Computes an answer of the pipeline under a span with one child per part of a stage; without a trace it is `host.run` alone. */
export async function runTraced(
  host: InferenceHost,
  admitted: Admitted,
  request: PatchRequest,
  onEvent?: OnEvent,
): Promise<InferenceResult> {
  const { n, seed, temperature, max_new_tokens } = request;
  const asked = {
    ...(n !== undefined && { 'gen_ai.request.choice.count': n }),
    ...(seed !== undefined && { 'gen_ai.request.seed': seed }),
    ...(temperature !== undefined && { 'gen_ai.request.temperature': temperature }),
    ...(max_new_tokens !== undefined && { 'gen_ai.request.max_tokens': max_new_tokens }),
  };
  return underSpan(admitted, 'generate_content', 'pipeline', asked, async (span) => {
    const answered = await host.run(request, runOptions(admitted, withStages(span, onEvent)));
    const { usage, status } = answered.result;
    span.set({
      ...usageOf(usage.source_tokens, usage.analysis_tokens + usage.patch_tokens),
      'agentic.status': status,
    });
    return answered;
  });
}

/** Continues a text under a span. */
export async function completeTraced(
  host: InferenceHost,
  admitted: Admitted,
  model: RawModelId,
  surface: Surface,
  request: CompletionRequest,
  onEvent?: OnEvent,
): Promise<CompletionResult> {
  const operation = operations[surface];
  const asked = {
    'gen_ai.request.max_tokens': request.max_tokens,
    'gen_ai.request.temperature': request.temperature,
    'gen_ai.request.top_p': request.top_p,
    'gen_ai.request.seed': request.seed,
  };
  return underSpan(admitted, operation, model, asked, async (span) => {
    const completed = await host.complete(request, runOptions(admitted, onEvent));
    const { usage, finish } = completed.completion;
    span.set({
      ...usageOf(usage.prompt_tokens, usage.completion_tokens),
      'gen_ai.response.finish_reasons': [finish],
    });
    return completed;
  });
}

/** Answers a prompt by a chain under a span. */
export async function chainTraced(
  host: InferenceHost,
  admitted: Admitted,
  surface: Surface,
  request: ChainRequest,
): Promise<ChainResult> {
  const asked = {
    'gen_ai.request.max_tokens': request.max_tokens,
    'gen_ai.request.temperature': request.temperature,
    'gen_ai.request.seed': request.seed,
  };
  return underSpan(admitted, operations[surface], request.chain, asked, async (span) => {
    const answered = await host.runChain(request, runOptions(admitted, undefined));
    const { usage, text } = answered.answer;
    span.set({
      ...usageOf(usage.prompt_tokens, usage.completion_tokens),
      'agentic.status': text === null ? 'abstained' : 'completed',
    });
    return answered;
  });
}

/** Names of the semantic conventions for generative AI: https://opentelemetry.io/docs/specs/semconv/gen-ai/ */
async function underSpan<T>(
  { span: parent, lease }: Admitted,
  operation: string,
  model: string,
  asked: Attributes,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const span = parent.child(`${operation} ${model}`, {
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': 'agentic-seq2seq',
    'gen_ai.request.model': model,
    'agentic.release': lease.release.id,
    'agentic.label': lease.label,
    ...asked,
  });
  try {
    const result = await work(span);
    span.end();
    return result;
  } catch (error) {
    span.end(errorType(error));
    throw error;
  }
}

function runOptions({ signal, lease }: Admitted, onEvent: OnEvent | undefined) {
  return { signal, release: lease.release, ...(onEvent && { onEvent }) };
}

function usageOf(input: number, output: number): Attributes {
  return { 'gen_ai.usage.input_tokens': input, 'gen_ai.usage.output_tokens': output };
}

/** The worker says when a part of a stage is over and how long it took; its span is made then. Not asked for without a trace. */
function withStages(span: Span, onEvent: OnEvent | undefined): OnEvent | undefined {
  if (span.traceId === undefined) return onEvent;
  return (event) => {
    if (event.type === 'stage_finished') span.child(event.stage, {}, performance.now() - event.ms).end();
    onEvent?.(event);
  };
}
