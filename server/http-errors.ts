import type { Server } from 'node:http';
import type { ErrorRequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { AppError, ClientGoneError, type ErrorCode } from './errors.js';

/** Sends an error in the one shape all errors have. */
function sendError(response: Response, error: AppError): void {
  const { code, message, details } = error;
  (response.locals as { code?: ErrorCode }).code = code;
  if (error.retryAfterSeconds !== undefined) response.set('Retry-After', String(error.retryAfterSeconds));
  if (!response.req.complete) closeAfterAnswer(response);
  response.status(error.status).json({ error: { code, message, details } });
}

/** Express' last handler: maps whatever was thrown to a row of the error table. The text of unknown errors is logged, not sent. */
export function errorHandler(logger: Logger): ErrorRequestHandler {
  return (thrown: unknown, _request, response, next) => {
    if (thrown instanceof ClientGoneError || response.closed) return;
    if (response.headersSent) {
      next(thrown);
      return;
    }
    const { id } = response.locals as { id?: string };
    if (!(thrown instanceof AppError)) {
      logger.error({ id, err: thrown }, 'request failed');
      sendError(
        response,
        new AppError('internal_error', 'The server failed; the log says why, under this x-request-id.'),
      );
      return;
    }
    if (thrown.cause !== undefined) logger.error({ id, err: thrown.cause, code: thrown.code }, 'request failed');
    sendError(response, thrown);
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
