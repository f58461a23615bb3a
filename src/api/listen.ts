import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { BuilderFault } from '../util/faults.ts';

export interface Listening {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /**
   * Takes no new requests, breaks off streams, lets the requests that are being answered end (at most some seconds),
   * and resolves when every connection is gone. May be called twice.
   */
  close(): Promise<void>;
}

interface ListenOptions {
  readonly fetch: (request: Request) => Promise<Response>;
  /** Answers a request that cannot even be made into a Request. */
  readonly failed: (thrown: unknown) => Response;
  readonly port: number;
  /** Aborted by close(): ends what streams. */
  readonly closing: AbortController;
}

const LOOPBACK = '127.0.0.1';
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 60_000;
/** How long close() waits for requests that are being answered. */
const GRACE_MS = 5_000;

/** Rejects with a BuilderFault when the port is taken. */
export async function listenOnLoopback({ fetch, failed, port, closing }: ListenOptions): Promise<Listening> {
  const answer = getRequestListener(fetch, { overrideGlobalObjects: false, errorHandler: failed });
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    },
    (request, response) => {
      // A connection that becomes idle while we close would otherwise stay open for the keep-alive time.
      response.once('close', () => {
        if (closing.signal.aborted) setImmediate(() => server.closeIdleConnections());
      });
      void answer(request, response);
    },
  );
  await listening(server, port);
  let closed: Promise<void> | undefined;
  return {
    url: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`,
    close: () => {
      closed ??= close(server, closing);
      return closed;
    },
  };
}

async function listening(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK, resolve);
  }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EADDRINUSE') throw cause;
    throw new BuilderFault(`Port ${port} is in use by another program.`, { hint: 'Choose another port.', cause });
  });
}

async function close(server: Server, closing: AbortController): Promise<void> {
  closing.abort(new Error('The service is stopping.'));
  const impatience = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(impatience);
}
