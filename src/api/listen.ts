import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { AwsError } from '../contract/errors.ts';
import { BuilderFault } from '../util/faults.ts';
import { answer } from './node-adapter.ts';

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
  /** Must not reject. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** The answer to what is hardly HTTP. */
  readonly malformed: () => Response;
  readonly port: number;
  /** How long close() waits for requests that are being answered. */
  readonly graceMs?: number;
  /** Aborted by close(): ends what streams. */
  readonly closing: AbortController;
}

const LOOPBACK = '127.0.0.1';
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 60_000;
const GRACE_MS = 5_000;

/** Rejects with a BuilderFault when the port is taken. */
export async function listenOnLoopback({
  fetch,
  malformed,
  port,
  closing,
  graceMs = GRACE_MS,
}: ListenOptions): Promise<Listening> {
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    },
    (request, response) => void answer(request, response, fetch, malformed),
  );
  endUnusedConnections(server, closing.signal);
  await listening(server, port);
  let closed: Promise<void> | undefined;
  return {
    url: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`,
    close: () => {
      closed ??= close(server, closing, graceMs);
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

/**
 * Once `closing` is aborted, ends every connection on which no request is being answered, those on which nothing was
 * ever asked included; Node's closeIdleConnections leaves the latter open.
 */
function endUnusedConnections(server: Server, closing: AbortSignal): void {
  const requests = new Map<Socket, number>();
  const endIfUnused = (socket: Socket): void => {
    if (closing.aborted && requests.get(socket) === 0) socket.destroySoon();
  };
  server.on('connection', (socket) => {
    requests.set(socket, 0);
    socket.once('close', () => requests.delete(socket));
    endIfUnused(socket);
  });
  server.on('request', ({ socket }, response) => {
    requests.set(socket, (requests.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const answering = requests.get(socket);
      if (answering === undefined) return;
      requests.set(socket, answering - 1);
      endIfUnused(socket);
    });
  });
  closing.addEventListener('abort', () => {
    for (const socket of requests.keys()) endIfUnused(socket);
  });
}

async function close(server: Server, closing: AbortController, graceMs: number): Promise<void> {
  const impatience = setTimeout(() => server.closeAllConnections(), graceMs);
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  closing.abort(new AwsError('ServiceUnavailableException', 'The service is stopping.'));
  await closed;
  clearTimeout(impatience);
}
