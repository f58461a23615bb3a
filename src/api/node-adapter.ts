/**
 * Joins Node's HTTP server to a function from Request to Response. Ours, and not @hono/node-server, because that one
 * writes to the console and tells clients the text of an error when a stream breaks (docs/decisions/013).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import { NDJSON } from './kiln/ndjson.ts';

/** How long a client may go on sending a body that was refused; closing at once could lose it the answer. */
const LINGER_MS = 500;

/**
 * Answers one request. A broken answer (its source failed, or the client went away) ends the connection, and the
 * answer's body is cancelled; nothing is thrown.
 *
 * @param fetch must not reject
 * @param malformed the answer to what cannot be made into a Request
 */
export async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fetch: (request: Request) => Promise<Response>,
  malformed: () => Response,
): Promise<void> {
  const request = toRequest(incoming);
  const response = request === undefined ? malformed() : await fetch(request);
  outgoing.once('finish', () => discardRest(incoming));
  const headers = Object.fromEntries(response.headers);
  if (headers['content-type'] === NDJSON && response.body !== null) {
    outgoing.writeHead(response.status, headers);
    // The types of the web's and of Node's streams differ only by name.
    const body = Readable.fromWeb(response.body as NodeReadableStream);
    await pipeline(body, outgoing).catch(() => outgoing.destroy());
    return;
  }
  // Everything else is there whole; through a stream it would take longer than all the rest of a small answer.
  const body = await response.bytes().catch(() => undefined);
  if (body === undefined) outgoing.destroy();
  else outgoing.writeHead(response.status, { ...headers, 'content-length': body.length }).end(body);
}

function toRequest(incoming: IncomingMessage): Request | undefined {
  const { method = '', url = '' } = incoming;
  if (!url.startsWith('/')) return undefined;
  try {
    const headers = new Headers();
    for (let index = 0; index + 1 < incoming.rawHeaders.length; index += 2) {
      headers.append(incoming.rawHeaders[index] ?? '', incoming.rawHeaders[index + 1] ?? '');
    }
    const hasBody = method !== 'GET' && method !== 'HEAD';
    return new Request(`http://localhost${url}`, {
      method,
      headers,
      ...(hasBody ? { body: lazyBody(incoming), duplex: 'half' } : {}),
    });
  } catch {
    return undefined;
  }
}

/** Touches the request only when it is read, so that Node can discard the body of a request that is refused before. */
function lazyBody(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  let chunks: AsyncIterator<Buffer> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        chunks ??= incoming.iterator({ destroyOnReturn: false });
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await chunks?.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

function discardRest(incoming: IncomingMessage): void {
  if (incoming.complete) return;
  const timer = setTimeout(() => incoming.destroy(), LINGER_MS);
  incoming.once('close', () => clearTimeout(timer));
  incoming.resume();
}
