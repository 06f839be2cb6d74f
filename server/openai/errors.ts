import type { AppError } from '../errors.js';

/** An error as clients of the OpenAI API read it; code and status are those of the one error table. */
export interface OpenAiErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    /** The parameter at fault. */
    readonly param: string | null;
    readonly code: string;
  };
}

/** The OpenAI shape of an error. */
export function openAiErrorBody({ code, message, status, details }: AppError): OpenAiErrorBody {
  const field = details[0]?.path.split('/')[1] ?? null;
  // A chat carries issue and files in its messages.
  const param = field === 'issue' || field === 'files' ? 'messages' : field;
  return { error: { message, type: typeOf(status), param, code } };
}

function typeOf(status: number): string {
  if (status >= 500) return 'server_error';
  const known: Readonly<Record<number, string>> = {
    401: 'authentication_error',
    403: 'permission_error',
    429: 'rate_limit_error',
  };
  return known[status] ?? 'invalid_request_error';
}
