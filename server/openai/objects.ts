import type { ServerSentEvent } from '../event-stream.js';
import type { Surface } from './parameters.js';

/** What all objects of one answer share. */
export interface AnswerHead {
  readonly surface: Surface;
  /** The request's id. */
  readonly id: string;
  readonly model: string;
  /** Seconds since 1970. */
  readonly created: number;
  /** Id of the release that answers. */
  readonly release: string;
}

/** Tokens as the OpenAI API counts them. */
export interface TokenUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

export type FinishReason = 'stop' | 'length';

/** One piece of a streamed answer; without text and reason it is the chat's first, which names the role. */
interface Piece {
  readonly text?: string;
  readonly reason?: FinishReason;
}

/** The whole answer: a chat completion or a text completion. `system_fingerprint` names the release. */
export function wholeAnswer(head: AnswerHead, text: string, reason: FinishReason, usage: TokenUsage): object {
  const rest = { index: 0, logprobs: null, finish_reason: reason };
  const choice =
    head.surface === 'chat'
      ? { ...rest, message: { role: 'assistant', content: text, refusal: null } }
      : { ...rest, text };
  return { ...frame(head, false), choices: [choice], usage: withTotal(usage) };
}

/** One event of a streamed answer. `includeUsage`: each has a field for the usage, null but in the last. */
export function chunk(head: AnswerHead, piece: Piece, includeUsage: boolean): ServerSentEvent {
  const { text, reason = null } = piece;
  const rest = { index: 0, logprobs: null, finish_reason: reason };
  let choice: object;
  if (head.surface === 'text') choice = { ...rest, text: text ?? '' };
  else if (text === undefined && reason === null) choice = { ...rest, delta: { role: 'assistant', content: '' } };
  else choice = { ...rest, delta: text === undefined ? {} : { content: text } };
  return { data: { ...frame(head, true), choices: [choice], ...(includeUsage && { usage: null }) } };
}

/** The last event before `[DONE]`, if it was asked for. */
export function usageChunk(head: AnswerHead, usage: TokenUsage): ServerSentEvent {
  return { data: { ...frame(head, true), choices: [], usage: withTotal(usage) } };
}

/** Two pieces of text are one. */
export function mergeChunks(held: ServerSentEvent, next: ServerSentEvent): ServerSentEvent | undefined {
  const [first, second] = [textOf(held), textOf(next)];
  if (first === undefined || second === undefined) return undefined;
  const data = held.data as ChunkData;
  const text = first + second;
  const [choice] = data.choices;
  return {
    data: { ...data, choices: [choice?.delta ? { ...choice, delta: { content: text } } : { ...choice, text }] },
  };
}

interface ChunkData {
  readonly choices: readonly { finish_reason: unknown; text?: string; delta?: { role?: string; content?: string } }[];
}

/** The text of a chunk that carries nothing else. */
function textOf({ data }: ServerSentEvent): string | undefined {
  const choice = typeof data === 'object' && data !== null ? (data as Partial<ChunkData>).choices?.[0] : undefined;
  if (choice?.finish_reason !== null || choice.delta?.role !== undefined) return undefined;
  return choice.delta ? choice.delta.content : choice.text;
}

/** The end of a stream, which is not JSON. */
export const DONE: ServerSentEvent = { data: '[DONE]' };

function frame({ surface, id, created, model, release }: AnswerHead, isChunk: boolean): object {
  const isChat = surface === 'chat';
  const object = isChat ? `chat.completion${isChunk ? '.chunk' : ''}` : 'text_completion';
  return { id: `${isChat ? 'chatcmpl' : 'cmpl'}-${id}`, object, created, model, system_fingerprint: release };
}

function withTotal(usage: TokenUsage): TokenUsage & { readonly total_tokens: number } {
  return { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens };
}
