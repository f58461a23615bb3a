import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { AwsError } from '../contract/errors.ts';
import type { Policy } from '../iam/policy.ts';
import { BuilderFault } from '../util/faults.ts';
import type { Peer } from './call.ts';
import { endUnusedConnections } from './connections.ts';
import { answer } from './node-adapter.ts';
import { bindSocket } from './unix-socket.ts';

/** Where to listen, and for whom. */
export interface Endpoint {
  readonly place: EndpointPlace;
  /** Without it, HTTP is not encrypted; what is signed cannot be changed on the way, but it can be read. */
  readonly tls?: TlsKeys;
  /** What may be done by this endpoint, whoever asks; everything when undefined. */
  readonly policy?: Policy;
  readonly limits?: Partial<EndpointLimits>;
}

export type EndpointPlace =
  /** Port 0 takes a free one. */
  | { readonly host: string; readonly port: number }
  /** A Unix socket that only its owner can use; removed when it is closed. */
  | { readonly socketPath: string };

/** In PEM. */
export interface TlsKeys {
  readonly certificate: string;
  readonly key: string;
}

export interface EndpointLimits {
  /** Time for the headers of a request, also for a TLS handshake. */
  readonly headersMs: number;
  /** Time for a whole request. */
  readonly requestMs: number;
  /** Time without a byte in either direction, e.g. because nobody reads an answer. */
  readonly idleMs: number;
  /** Between two requests on a connection. */
  readonly keepAliveMs: number;
  /** One more is closed at once. */
  readonly connections: number;
  /** How long close() waits for requests that are being answered. */
  readonly graceMs: number;
}

const LIMITS: EndpointLimits = {
  headersMs: 10_000,
  requestMs: 30_000,
  // Streams send something every 30 seconds.
  idleMs: 120_000,
  keepAliveMs: 60_000,
  connections: 1_000,
  graceMs: 5_000,
};

export interface Listening {
  /** `http://127.0.0.1:PORT`, `https://[::1]:PORT` or `unix:PATH` */
  readonly url: string;
  /**
   * Takes no new requests, breaks off streams, lets the requests that are being answered end (at most some seconds),
   * and resolves when every connection is gone. May be called twice.
   */
  close(): Promise<void>;
}

export interface ListenOptions {
  /** Must not reject. */
  readonly fetch: (request: Request, peer: Peer) => Promise<Response>;
  /** The answer to what is hardly HTTP. */
  readonly malformed: () => Response;
  /** Told when the number of open connections changes. */
  readonly onConnections: (count: number) => void;
  /** Aborted by close(): ends what streams. */
  readonly closing: AbortController;
}

/** Rejects with a BuilderFault when the place is taken or not to be had. */
export async function listen(endpoint: Endpoint, options: ListenOptions): Promise<Listening> {
  const { fetch, malformed, onConnections, closing } = options;
  const limits = { ...LIMITS, ...endpoint.limits };
  const settings = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    // Node looks for requests that take too long only so often.
    connectionsCheckingInterval: Math.min(2_000, limits.headersMs / 2),
  };
  const server =
    endpoint.tls === undefined
      ? createServer(settings)
      : createTlsServer({
          ...settings,
          cert: endpoint.tls.certificate,
          key: endpoint.tls.key,
          handshakeTimeout: limits.headersMs,
        });
  server.maxConnections = limits.connections;
  server.timeout = limits.idleMs;
  server.on('request', (incoming, outgoing) => {
    const peer: Peer = {
      address: incoming.socket.remoteAddress,
      tls: (incoming.socket as TLSSocket).encrypted === true,
      endpointPolicy: endpoint.policy,
    };
    void answer(incoming, outgoing, (request) => fetch(request, peer), malformed);
  });
  endUnusedConnections(server, closing.signal, onConnections);
  const url = await bind(server, endpoint);
  let closed: Promise<void> | undefined;
  return {
    url,
    close: () => {
      closed ??= close(server, closing, limits.graceMs);
      return closed;
    },
  };
}

async function bind(server: Server, { place, tls }: Endpoint): Promise<string> {
  if ('socketPath' in place) {
    await bindSocket(server, place.socketPath);
    return `unix:${place.socketPath}`;
  }
  const { host, port } = place;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EADDRINUSE') {
      throw new BuilderFault(`Port ${port} is in use by another program.`, { hint: 'Choose another port.', cause });
    }
    throw new BuilderFault(`Kiln cannot listen on ${host}, port ${port}: ${cause.message}`, { cause });
  });
  const shown = host.includes(':') ? `[${host}]` : host;
  return `${tls === undefined ? 'http' : 'https'}://${shown}:${(server.address() as AddressInfo).port}`;
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
