import type { PipelineEvent } from '../../pipeline/types.js';
import type { ServerSentEvent } from '../event-stream.js';
import type { Release } from '../inference/messages.js';

/** What the client of a streamed request is told while it is computed; undefined for what it is not. */
export function patchEvent(event: PipelineEvent, { id }: Release): ServerSentEvent | undefined {
  const release = { id };
  switch (event.type) {
    case 'text':
      return { name: 'token', data: { release, stage: event.stage, text: event.text } };
    case 'analysis':
      return { name: 'analysis', data: { release, analysis: event.analysis, window: event.window } };
    case 'candidate':
      return { name: 'candidate', data: { release, patch: event.patch } };
    default:
      return undefined;
  }
}

/** Two stretches of text of the same stage are one. */
export function mergeTokens(held: ServerSentEvent, next: ServerSentEvent): ServerSentEvent | undefined {
  if (held.name !== 'token' || next.name !== 'token') return undefined;
  const [first, second] = [held.data as TokenData, next.data as TokenData];
  if (first.stage !== second.stage) return undefined;
  return { name: 'token', data: { ...first, text: first.text + second.text } };
}

interface TokenData {
  readonly stage: string;
  readonly text: string;
}
