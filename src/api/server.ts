/**
 * The HTTP edge: every request gets an id, is authenticated, decoded and handed to its operation. What operations mean
 * is not known here (resources/), and neither is what happens to a build (engine/).
 */
import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { AwsError } from '../contract/errors.ts';
import { readModel } from '../contract/model.ts';
import type { Caller, Operations } from '../contract/operations.ts';
import type { Clock } from '../util/clock.ts';
import type { FindCredential } from './auth/credentials.ts';
import { beginVerification, finishVerification, signedQuery } from './auth/verify.ts';
import { readBody } from './body.ts';
import { errorAnswer } from './errors.ts';
import { handleOperation } from './handle.ts';
import { answerFollow, answerService, FOLLOW_PATH, type KilnEndpoints, SERVICE_PATH } from './kiln/endpoints.ts';
import { type Listening, listenOnLoopback } from './listen.ts';
import type { ApiLog } from './log.ts';
import { createRouter } from './router.ts';

export interface ApiOptions {
  /** Operations without a handler are refused by name. */
  readonly operations: Partial<Operations>;
  readonly kiln: KilnEndpoints;
  readonly findCredential: FindCredential;
  readonly region: string;
  readonly clock: Clock;
  readonly log: ApiLog;
}

export interface Api {
  /** Serves on 127.0.0.1; port 0 takes a free one. `graceMs` is how long close() waits for answers under way. */
  listen(port: number, graceMs?: number): Promise<Listening>;
  /** Answers one request without a socket. */
  fetch(request: Request): Promise<Response>;
}

interface Variables {
  requestId: string;
  caller: Caller;
  /** Without what belongs to the signature. */
  query: URLSearchParams;
  body: Uint8Array;
}

export function createApi(options: ApiOptions): Api {
  const closing = new AbortController();
  const app = createApp(options, closing.signal);
  const answerTo = (thrown: unknown): Response => {
    const requestId = randomUUID();
    return stamp(errorAnswer(thrown, requestId, options.log), requestId, options.clock);
  };
  const fetch = async (request: Request): Promise<Response> => {
    try {
      return await app.fetch(request);
    } catch (thrown) {
      // Hono passes on what was thrown without being an Error.
      return answerTo(thrown);
    }
  };
  const malformed = () => answerTo(new AwsError('InvalidRequestException', 'The request is not well-formed HTTP.'));
  return {
    fetch,
    listen: (port, graceMs) =>
      listenOnLoopback({ fetch, malformed, port, closing, ...(graceMs === undefined ? {} : { graceMs }) }),
  };
}

function createApp({ operations, kiln, log, clock, ...auth }: ApiOptions, closing: AbortSignal) {
  const router = createRouter(readModel());
  const app = new Hono<{ Variables: Variables }>();
  app.use(async (c, next) => {
    c.set('requestId', randomUUID());
    await next();
    stamp(c.res, c.get('requestId'), clock);
    const { method, path } = c.req;
    log.debug({ requestId: c.get('requestId'), method, path, status: c.res.status }, 'request');
  });
  app.use(async (c, next) => {
    // What can be refused without the body is refused before it is read.
    const pending = beginVerification(c.req.raw, { ...auth, clock });
    const body = await readBody(c.req.raw);
    await finishVerification(c.req.raw, body, pending);
    const { accountId, principalArn } = pending.credential;
    c.set('body', body);
    c.set('caller', { accountId, principalArn, requestId: c.get('requestId') });
    c.set('query', signedQuery(new URL(c.req.url).searchParams, pending.claim.form));
    await next();
  });
  app.use(async (c, next) => {
    // Hono would answer it like GET and leave a stream that nobody reads.
    if (c.req.method === 'HEAD') throw new AwsError('UnknownOperationException', 'No operation is called with HEAD.');
    await next();
  });
  app.get(SERVICE_PATH, (c) => answerService(c.get('query'), kiln));
  app.get(FOLLOW_PATH, (c) =>
    answerFollow(c.get('query'), kiln, closing, (err) => log.error({ requestId: c.get('requestId'), err }, 'follow')),
  );
  app.all('*', (c) => {
    const { pathname: path } = new URL(c.req.url);
    const request = { method: c.req.method, path, query: c.get('query'), body: c.get('body') };
    return handleOperation(request, c.get('caller'), router, operations);
  });
  app.onError((thrown, c) => errorAnswer(thrown, c.get('requestId'), log));
  return app;
}

/** SDKs correct a wrong clock of their own by our Date. */
function stamp(response: Response, requestId: string, clock: Clock): Response {
  response.headers.set('x-amzn-requestid', requestId);
  response.headers.set('date', clock.now().toUTCString());
  return response;
}
