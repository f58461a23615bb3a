import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isSameSecret } from '../../util/same-secret.ts';

export interface Invocation {
  readonly requestId: string;
  readonly event: string;
  readonly functionArn: string;
  readonly deadline: Date;
}

/** What a function answered. */
export type Answer =
  | { readonly kind: 'response'; readonly body: string }
  | { readonly kind: 'error'; readonly type: string; readonly message: string };

export interface RuntimeApi extends AsyncDisposable {
  /** For AWS_LAMBDA_RUNTIME_API: host, port, and a secret that only the function knows. */
  readonly address: string;
  /** Resolves with the first answer. */
  readonly answer: Promise<Answer>;
}

/** Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes"; quotas of payloads. */
const PREFIX = /^\/([^/]*)\/2018-06-01\/runtime\/(.*)$/;
const MAX_BODY_BYTES = 6 * 1024 * 1024;

/** Serves one invocation over the Lambda Runtime API, on loopback. */
export async function serveRuntimeApi(invocation: Invocation): Promise<RuntimeApi> {
  const secret = randomBytes(24).toString('hex');
  const answered = Promise.withResolvers<Answer>();
  let given = false;
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [, givenSecret = '', path = ''] = PREFIX.exec(request.url ?? '') ?? [];
    if (!isSameSecret(givenSecret, secret)) return send(response, 403, { errorMessage: 'not this function' });
    const route = `${request.method} ${path}`;
    if (route === 'GET invocation/next') {
      // Whoever asks again waits until its process is ended: there is one invocation.
      if (given) return;
      given = true;
      response.writeHead(200, headersOf(invocation));
      response.end(invocation.event);
      return;
    }
    const body = await readBody(request);
    if (body === undefined) {
      answered.resolve({ kind: 'error', type: 'Function.ResponseSizeTooLarge', message: 'The answer is too large' });
      return send(response, 413, { errorType: 'RequestEntityTooLarge' });
    }
    if (route === `POST invocation/${invocation.requestId}/response`) answered.resolve({ kind: 'response', body });
    else if (route === `POST invocation/${invocation.requestId}/error` || route === 'POST init/error') {
      answered.resolve(errorOf(body));
    } else return send(response, 404, { errorMessage: 'no such path' });
    send(response, 202, { status: 'OK' });
  };

  server.listen(0, '127.0.0.1');
  await new Promise<void>((resolve, reject) => server.once('listening', resolve).once('error', reject));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}/${secret}`,
    answer: answered.promise,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function headersOf({ requestId, functionArn, deadline }: Invocation): Record<string, string> {
  return {
    'content-type': 'application/json',
    'lambda-runtime-aws-request-id': requestId,
    'lambda-runtime-deadline-ms': String(deadline.getTime()),
    'lambda-runtime-invoked-function-arn': functionArn,
  };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** Undefined when it is too large. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}

function errorOf(body: string): Answer {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    parsed = undefined;
  }
  const { errorType, errorMessage } = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as {
    errorType?: unknown;
    errorMessage?: unknown;
  };
  return { kind: 'error', type: String(errorType ?? 'Error'), message: String(errorMessage ?? '').slice(0, 1000) };
}
