import type { Server } from 'node:http';
import type { ErrorRequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { AppError, ClientGoneError, type ErrorCode } from './errors.js';

/** The one shape all errors have. */
interface ErrorBody {
  readonly error: Pick<AppError, 'code' | 'message' | 'details'>;
}

/** The body of an error, except for the OpenAI-compatible routes. */
export function errorBody({ code, message, details }: AppError): ErrorBody {
  return { error: { code, message, details } };
}

/**
 * What a client is told of anything that was thrown: a row of the error table. The text of unknown errors is logged, not sent.
 * The log line of the request names the code.
 */
export function reportedError(logger: Logger, thrown: unknown, response: Response): AppError {
  const locals = response.locals as { id?: string; code?: ErrorCode };
  const { id } = locals;
  let error: AppError;
  if (thrown instanceof AppError) {
    error = thrown;
    if (error.cause !== undefined) logger.error({ id, err: error.cause, code: error.code }, 'request failed');
  } else {
    error = new AppError('internal_error', 'The server failed; the log says why, under this x-request-id.');
    logger.error({ id, err: thrown }, 'request failed');
  }
  locals.code = error.code;
  return error;
}

/** Express' last handler: answers whatever was thrown before an answer began, in the given shape. */
export function errorHandler(logger: Logger, bodyOf: (error: AppError) => object = errorBody): ErrorRequestHandler {
  return (thrown: unknown, _request, response, next) => {
    if (thrown instanceof ClientGoneError || response.closed) return;
    if (response.headersSent) {
      next(thrown);
      return;
    }
    const error = reportedError(logger, thrown, response);
    if (error.retryAfterSeconds !== undefined) response.set('Retry-After', String(error.retryAfterSeconds));
    if (!response.req.complete) closeAfterAnswer(response);
    response.status(error.status).json(bodyOf(error));
  };
}

/**
 * The rest of a refused body is not wanted: the connection closes after the answer. It is read for a moment longer,
 * because a socket closed with unread data may take the answer with it.
 */
function closeAfterAnswer(response: Response): void {
  const { req: request } = response;
  response.set('Connection', 'close');
  response.once('finish', () => {
    request.resume();
    const timer = setTimeout(() => request.socket.destroy(), 2000).unref();
    request.socket.once('close', () => {
      clearTimeout(timer);
    });
  });
}

/** Answers what is not even HTTP with `bad_request` instead of an empty 400. */
export function answerBrokenHttp(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const body = JSON.stringify({
      error: { code: 'bad_request', message: 'The request is not valid HTTP.', details: [] },
    });
    socket.end(
      `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  });
}
