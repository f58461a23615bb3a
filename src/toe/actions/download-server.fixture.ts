import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** The connection ends when so many bytes of the body are sent. */
  readonly cutAt?: number;
  /** Whether `Range` and `If-Range` are obeyed as RFC 9110 has it. */
  readonly ranges?: boolean;
}

/** A server of files on loopback; see {@link DownloadServer.answers}. */
export interface DownloadServer extends AsyncDisposable {
  readonly origin: string;
  /** By path; a list is used up one by one, its last stays. What is not there is 404. */
  readonly answers: Record<string, Answer[]>;
  /** `PATH Range If-Range Via` of every request, `-` for what it does not have. */
  readonly requests: string[];
}

export async function serveDownloads(
  defaultBody: Buffer,
  tls?: { readonly key: string; readonly cert: string },
): Promise<DownloadServer> {
  const answers: Record<string, Answer[]> = {};
  const requests: string[] = [];
  const listener: RequestListener = (request, response) => {
    const { range = '-', via = '-' } = request.headers;
    requests.push([request.url, range, request.headers['if-range'] ?? '-', via].join(' '));
    const list = answers[(request.url ?? '').split('?')[0] ?? ''] ?? [{ status: 404 }];
    const answer = (list.length > 1 ? list.shift() : list[0]) ?? {};
    send(answer, answer.body ?? defaultBody, request, response);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    answers,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function send(answer: Answer, whole: Buffer, request: IncomingMessage, response: ServerResponse): void {
  const { status = 200, headers = {}, cutAt, ranges = false } = answer;
  const from = ranges && status === 200 ? rangeOf(request, headers) : undefined;
  if (from !== undefined && from >= whole.length) {
    response.writeHead(416, { 'content-range': `bytes */${whole.length}` }).end();
    return;
  }
  const body = status === 204 ? Buffer.alloc(0) : whole.subarray(from ?? 0);
  const range = from === undefined ? {} : { 'content-range': `bytes ${from}-${whole.length - 1}/${whole.length}` };
  const length = status === 204 ? {} : { 'content-length': body.length };
  response.writeHead(from === undefined ? status : 206, { ...headers, ...range, ...length });
  if (cutAt === undefined) response.end(body);
  else response.write(body.subarray(0, cutAt), () => response.destroy());
}

function rangeOf(request: IncomingMessage, headers: Readonly<Record<string, string>>): number | undefined {
  const from = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  const validator = request.headers['if-range'];
  const same = validator === undefined || validator === headers['etag'] || validator === headers['last-modified'];
  return from === undefined || !same ? undefined : Number(from);
}
