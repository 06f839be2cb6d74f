import { AppError } from '../errors.js';

/** A chat message; what is in those that are not read is not looked at. */
export interface Message {
  readonly role: string;
  readonly content?: unknown;
}

/**
 * The text of the last user message. The models answer one request at a time and take no instructions: system messages and earlier
 * turns say nothing to them. Throws AppError `invalid_request` if there is none, `unsupported_parameter` if it is not text.
 */
export function lastUserText(messages: readonly Message[]): string {
  const index = messages.findLastIndex(({ role }) => role === 'user');
  const content = messages[index]?.content;
  if (typeof content === 'string') return content;
  const path = `/messages/${Math.max(0, index)}`;
  if (!Array.isArray(content)) {
    throw new AppError('invalid_request', 'There is no user message with text.', {
      details: [{ path, message: 'must be a user message with text' }],
    });
  }
  return content.map((part: unknown) => textOf(part, path)).join('\n');
}

function textOf(part: unknown, path: string): string {
  const { type, text } = (part ?? {}) as { type?: unknown; text?: unknown };
  if (type === 'text' && typeof text === 'string') return text;
  throw new AppError('unsupported_parameter', 'Only parts of type text can be read.', {
    details: [{ path, message: 'holds a part that is not text' }],
  });
}
