import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { AppError, ClientGoneError } from './errors.js';

const wrongType = 'The body must be application/json in UTF-8, without content encoding.';

/**
 * Reads a JSON body. A body that announces more than `maxBytes` is refused before it is read, any other as soon as it passes
 * them. Nothing is repaired: bytes that are not UTF-8 are refused instead of being replaced.
 *
 * Throws AppError `unsupported_media_type`, `body_too_large` or `malformed_json`, and ClientGoneError when the client breaks off.
 */
export async function readJsonBody(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  return parseJson(await readJsonText(request, maxBytes));
}

/** The text of a JSON body before it is parsed, with the same rules. */
export async function readJsonText(request: IncomingMessage, maxBytes: number): Promise<string> {
  checkMediaType(request);
  const bytes = await readBytes(request, maxBytes);
  if (!isUtf8(bytes)) throw new AppError('malformed_json', 'The body is not UTF-8.');
  return bytes.toString('utf8');
}

/** Throws AppError `malformed_json`. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new AppError('malformed_json', `The body is not JSON: ${(cause as Error).message.slice(0, 200)}`);
  }
}

function checkMediaType(request: IncomingMessage): void {
  const [type, ...parameters] = (request.headers['content-type'] ?? '')
    .split(';')
    .map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length);
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  const isUtf8Json = type === 'application/json' && ['utf-8', 'utf8', '"utf-8"', undefined].includes(charset);
  if (!isUtf8Json || encoding !== 'identity') throw new AppError('unsupported_media_type', wrongType);
}

async function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = (): AppError =>
    new AppError('body_too_large', `The body is larger than ${maxBytes} bytes (MAX_BODY_BYTES).`);
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let total = 0;
  try {
    // The stream stays open when the loop is left early: the answer still has to go out on this connection.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      total += chunk.length;
      if (total > maxBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new ClientGoneError('The client broke off.', { cause: error });
  }
  return Buffer.concat(chunks, total);
}
