import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerBrokenHttp } from './http-errors.js';

/** A port that answers. */
export interface Listener {
  readonly url: string;
  /** Takes no new connections, and ends those that there are once `finished` resolves. */
  close(finished: Promise<void>): Promise<void>;
}

/** Listens with an app. Rejects when the address cannot be used. */
export async function listen(
  app: RequestListener,
  options: { readonly host: string; readonly port: number; readonly maxBodyBytes: number },
): Promise<Listener> {
  const server = createServer(app);
  answerBrokenHttp(server);
  refuseLargeBodiesUnread(server, options.maxBodyBytes);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    url: urlOf(server.address() as AddressInfo),
    close: async (finished) => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      await finished;
      // Answers that are still on their way get a second; connections that are only kept alive get none.
      server.closeIdleConnections();
      const force = setTimeout(() => {
        server.closeAllConnections();
      }, 1000);
      await closed;
      clearTimeout(force);
    },
  };
}

/** A client that asks first (`Expect: 100-continue`) is told of a too large body before it sends it. */
function refuseLargeBodiesUnread(server: Server, maxBodyBytes: number): void {
  server.on('checkContinue', (request, response) => {
    if (Number(request.headers['content-length'] ?? 0) <= maxBodyBytes) response.writeContinue();
    server.emit('request', request, response);
  });
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
