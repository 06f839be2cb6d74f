/** Requests to the server that sent the page. */

/** A failure as the API tells it, or `unreachable` when no answer came. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly code: string,
    /** HTTP status; 0 without an answer. */
    readonly status: number,
    message: string,
    readonly details: readonly { readonly path: string; readonly message: string }[] = [],
    /** Seconds after which to try again; 0: not said. */
    readonly retryAfterSeconds = 0,
  ) {
    super(message);
  }
}

export interface Sent {
  readonly method?: 'GET' | 'POST';
  /** Sent as JSON, except for files, which are sent as they are. */
  readonly body?: unknown;
  /** Bearer token; empty: none. */
  readonly key?: string;
  readonly signal?: AbortSignal;
}

/** Asks a path; resolves with an answer of status 2xx. Rejects with ApiError, and with AbortError when `signal` aborts. */
export async function ask(path: string, { method = 'GET', body, key = '', signal }: Sent = {}): Promise<Response> {
  const headers: Record<string, string> = {};
  if (key !== '') headers['authorization'] = `Bearer ${key}`;
  const isFile = body instanceof Blob;
  if (body !== undefined) headers['content-type'] = isFile ? 'application/octet-stream' : 'application/json';
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      cache: 'no-store',
      ...(body !== undefined && { body: isFile ? body : JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  } catch (error) {
    // A key with characters that no header can hold fails here, too.
    throw isAbort(error) ? error : unreachable();
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

/** Asks a path for JSON. Rejects as `ask` does. */
export async function askJson<T>(path: string, sent?: Sent): Promise<T> {
  return (await (await ask(path, sent)).json()) as T;
}

/** The failure in a body of the API's shape. */
export function errorIn(body: unknown, status: number, retryAfterSeconds = 0): ApiError {
  const { error } = (body ?? {}) as { error?: Partial<Pick<ApiError, 'code' | 'message' | 'details'>> };
  return new ApiError(
    error?.code ?? 'unknown',
    status,
    error?.message ?? 'The answer is not one of this API.',
    error?.details ?? [],
    retryAfterSeconds,
  );
}

/** What is told when the connection breaks. */
export function unreachable(): ApiError {
  return new ApiError('unreachable', 0, 'No answer came from the server.');
}

/** Whether something was thrown because a signal aborted. */
export function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === 'AbortError';
}

async function errorOf(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => undefined);
  return errorIn(body, response.status, Number(response.headers.get('retry-after') ?? 0));
}
