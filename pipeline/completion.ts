import { declarationOf } from '../agents/names.js';
import type { AgentTensors } from '../model/agent-tensors.js';
import type { Backbone } from '../model/backbone.js';
import { ModelError } from '../model/errors.js';
import { generate } from '../model/generate.js';
import type { Tokenizer } from '../model/tokenizer.js';
import { RawText } from './raw-text.js';
import type { Completion, CompletionRequest, PipelineEvent } from './types.js';

/** No token is longer: a text beyond it is refused before megabytes of it are tokenised. */
const MAX_TOKEN_CHARACTERS = 40;

/** How a call of {@link complete} is watched and stopped. */
export interface CompletionCall {
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: PipelineEvent) => void;
}

/**
 * Text in, its continuation out, by the decoder with one agent and without the constraints of the pipeline. The prompt may spell
 * the special symbols of the text protocol. Up to the first `<|analyse|>` or `<|patch|>` it is read by the encoder; from there on
 * it is the beginning of the decoder's text. Without either the decoder begins with what the agent was trained to begin with.
 * Throws `ModelError`: `input_too_long` for a prompt that is empty or leaves no room, and what the model throws.
 */
export async function complete(
  { backbone, agent }: { readonly backbone: Backbone; readonly agent: AgentTensors },
  request: CompletionRequest,
  call: CompletionCall = {},
): Promise<Completion> {
  const { tokenizer, config } = backbone;
  const { max_source_tokens: maxSource, max_target_tokens: maxTarget } = config;
  const tooLong = (what: string): ModelError =>
    new ModelError(
      'input_too_long',
      `The prompt ${what}; 1 to ${maxSource} tokens are taken by the encoder, fewer than ${maxTarget} by the decoder.`,
    );
  if (request.prompt.length > MAX_TOKEN_CHARACTERS * (maxSource + maxTarget)) {
    throw tooLong(`has ${request.prompt.length} characters`);
  }
  const { source, target } = splitPrompt(request, tokenizer);
  const room = maxTarget - target.length;
  if (source.length === 0 || source.length > maxSource || room < 1) {
    throw tooLong(`has ${source.length} tokens for the encoder and ${target.length} for the decoder`);
  }
  const memory = await backbone.encode(source, call.signal);
  const state = backbone.open(memory, agent);
  try {
    const text = new RawText(tokenizer, { tokens: endsOf(request, tokenizer), strings: request.stop });
    let told = 0;
    const tell = (settled: string): void => {
      if (settled.length > told) call.onEvent?.({ type: 'text', stage: 'completion', text: settled.slice(told) });
      told = Math.max(told, settled.length);
    };
    const [finished] = await generate(state, [{ row: state.row(), constraint: text, prompt: target }], {
      maxNewTokens: Math.min(request.max_tokens, room),
      temperature: request.temperature,
      topP: request.top_p,
      seed: request.seed,
      ...(call.signal && { signal: call.signal }),
      onToken: () => {
        tell(text.settled);
      },
    });
    tell(text.text);
    return {
      text: text.text,
      finish: finished?.finish === 'done' ? 'stop' : 'length',
      usage: { prompt_tokens: source.length + target.length, completion_tokens: finished?.tokens.length ?? 0 },
    };
  } finally {
    state.close();
  }
}

function splitPrompt(
  { prompt, agent }: CompletionRequest,
  tokenizer: Tokenizer,
): { readonly source: readonly number[]; readonly target: readonly number[] } {
  const { analyse, patch } = tokenizer.special;
  const tokens = encodeWithSymbols(prompt, tokenizer);
  const begin = tokens.findIndex((token) => token === analyse || token === patch);
  if (begin >= 0) return { source: tokens.slice(0, begin), target: tokens.slice(begin) };
  return { source: tokens, target: [tokenizer.special[agent === null ? 'analyse' : declarationOf(agent).begins]] };
}

/** Here alone a text can spell special symbols: the prompt is all there is, so it can mislead nobody but its author. */
function encodeWithSymbols(text: string, tokenizer: Tokenizer): number[] {
  const symbols = new Map(Object.entries(tokenizer.special).map(([word, id]) => [`<|${word}|>`, id]));
  return text.split(/(<\|[a-z]+\|>)/).flatMap((part) => {
    const id = symbols.get(part);
    return id === undefined ? tokenizer.encodeText(part) : [id];
  });
}

/** The work of an agent ends where that of the next one would begin. */
function endsOf({ agent }: CompletionRequest, { eos, special }: Tokenizer): ReadonlySet<number> {
  const ends = agent === null ? null : declarationOf(agent).ends;
  return new Set(ends === null ? [eos] : [eos, special[ends]]);
}
