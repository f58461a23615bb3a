/**
 * The HTTP edge: every request gets an id, is authenticated, decoded, authorised and handed to its operation; what
 * became of it goes to the audit trail, the metrics and the log. What operations mean is not known here (resources/),
 * and neither is what happens to a build (engine/).
 */
import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { AwsError } from '../contract/errors.ts';
import type { LogOperations } from '../contract/log-operations.ts';
import { readModel } from '../contract/model.ts';
import type { CheckRequest, Operations } from '../contract/operations.ts';
import { createAuthoriser } from '../iam/authorise.ts';
import type { Clock } from '../util/clock.ts';
import { createRecorder, type Recorder, type Trail } from './audit/recorder.ts';
import type { FindCredential } from './auth/credentials.ts';
import { type Call, isLocal, type Peer } from './call.ts';
import { asAwsError, errorAnswer } from './errors.ts';
import { answerCertificate, type KilnEndpoints } from './kiln/endpoints.ts';
import { answerHealth, HEALTH_PATH } from './kiln/health.ts';
import { METRICS_PATH, nameOf } from './kiln/routes.ts';
import { limitStreams } from './kiln/stream-limit.ts';
import { type Endpoint, type Listening, listen } from './listen.ts';
import type { ApiLog } from './log.ts';
import { LOGS_SOURCE, logsErrorAnswer } from './logs/answer-logs.ts';
import { createMetrics, type Gauges, type Metrics } from './metrics.ts';
import { createRateLimit, type RequestRate } from './rate-limit.ts';
import { createRouter } from './router.ts';
import { addRoutes, type Variables } from './routes.ts';
import { STS_SOURCE, stsErrorAnswer } from './sts/answer-sts.ts';

export interface ApiOptions {
  /** Operations without a handler are refused by name. */
  readonly operations: Partial<Operations>;
  readonly checkRequest: CheckRequest;
  readonly kiln: KilnEndpoints;
  /** CloudWatch Logs; without it there is none. */
  readonly logs?: LogOperations;
  readonly findCredential: FindCredential;
  /** The tags of a resource, for policies that ask for them. */
  readonly findTags: (arn: string) => Promise<Readonly<Record<string, string>> | undefined>;
  readonly trail: Trail;
  /** Of each principal but the account's root. */
  readonly requestRate: RequestRate;
  /** Clients that may follow builds at once. */
  readonly maxFollowStreams: number;
  /** Whether requests would be served now. */
  readonly isReady: () => Promise<boolean>;
  readonly readGauges: () => Promise<Gauges>;
  /** 12 digits. */
  readonly accountId: string;
  readonly region: string;
  readonly clock: Clock;
  readonly log: ApiLog;
}

export interface Api {
  /** Serves on an endpoint. Closing one of several closes what streams on all of them. */
  listen(endpoint: Endpoint): Promise<Listening>;
  /** Answers one request without a socket. */
  fetch(request: Request, peer?: Peer): Promise<Response>;
}

const LOCAL: Peer = { address: '127.0.0.1', tls: false, endpointPolicy: undefined };

export function createApi(options: ApiOptions): Api {
  const closing = new AbortController();
  const metrics = createMetrics(options.readGauges);
  const recorder = createRecorder(options.trail, options);
  const answer = createAnswerer(options, recorder, metrics, closing.signal);
  return {
    fetch: (request, peer = LOCAL) => answer(request, peer),
    listen: (endpoint) =>
      listen(endpoint, {
        fetch: answer,
        malformed: () => {
          const error = new AwsError('InvalidRequestException', 'The request is not well-formed HTTP.');
          return stamp(errorAnswer(error), randomUUID(), error, options.clock);
        },
        onConnections: (count) => metrics.connections(count),
        closing,
      }),
  };
}

/** Answers every request, whatever happens. */
function createAnswerer(options: ApiOptions, recorder: Recorder, metrics: Metrics, closing: AbortSignal) {
  const { clock, log } = options;
  const app = createApp(options, recorder, metrics, closing);
  return async (request: Request, peer: Peer): Promise<Response> => {
    const call = beginCall(request, peer, clock);
    const certificate = await answerCertificate(call.method, call.path, options.kiln);
    if (certificate !== undefined) return certificate;
    const watched = isLocal(peer) ? await answerWatcher(call, options, metrics, closing) : undefined;
    if (watched !== undefined) return watched;
    const fail = (thrown: unknown): Response => {
      call.error = asAwsError(thrown, call.requestId, log);
      if (call.eventSource === STS_SOURCE) return stsErrorAnswer(call.error, call.requestId);
      return call.eventSource === LOGS_SOURCE ? logsErrorAnswer(call.error) : errorAnswer(call.error);
    };
    let response: Response;
    try {
      response = await app(request, call);
    } catch (thrown) {
      response = fail(thrown);
    }
    try {
      await recorder.record(call);
    } catch (thrown) {
      await response.body?.cancel();
      response = fail(thrown);
    }
    finishCall(call, response.status, metrics, log);
    return stamp(response, call.requestId, call.error, clock);
  };
}

/** What whoever watches this machine may ask without a signature; undefined when it is something else. */
async function answerWatcher(
  { method, path }: Call,
  options: ApiOptions,
  metrics: Metrics,
  closing: AbortSignal,
): Promise<Response | undefined> {
  if (method !== 'GET') return undefined;
  if (path === METRICS_PATH) return metrics.answer();
  if (!path.startsWith(HEALTH_PATH)) return undefined;
  return answerHealth(path, async () => !closing.aborted && (await options.isReady()));
}

type App = (request: Request, call: Call) => Promise<Response>;

function createApp(options: ApiOptions, recorder: Recorder, metrics: Metrics, closing: AbortSignal): App {
  const hono = new Hono<{ Bindings: { call: Call }; Variables: Variables }>();
  const streams = (count: number): void => metrics.followStreams(count);
  const { followEvents } = options.kiln;
  addRoutes(hono, {
    ...options,
    kiln: {
      ...options.kiln,
      follow: limitStreams(options.kiln.follow, options.maxFollowStreams, streams),
      ...(followEvents === undefined
        ? {}
        : { followEvents: limitStreams(followEvents, options.maxFollowStreams, () => {}) }),
    },
    router: createRouter(readModel()),
    authorise: createAuthoriser(options),
    rateLimit: createRateLimit(options.requestRate),
    isReady: async () => !closing.aborted && (await options.isReady()),
    recorder,
    metrics,
    closing,
  });
  hono.onError((thrown) => {
    throw thrown;
  });
  return async (request, call) => hono.fetch(request, { call });
}

function beginCall(request: Request, peer: Peer, clock: Clock): Call {
  const { pathname: path } = new URL(request.url);
  return {
    requestId: randomUUID(),
    peer,
    startedAt: clock.now(),
    startedMs: performance.now(),
    method: request.method,
    path,
    userAgent: request.headers.get('user-agent') ?? undefined,
    ...nameOf(path),
    readOnly: true,
    claimedAccessKeyId: undefined,
    credential: undefined,
    input: undefined,
    output: undefined,
    error: undefined,
  };
}

function finishCall(call: Call, status: number, metrics: Metrics, log: ApiLog): void {
  const milliseconds = performance.now() - call.startedMs;
  metrics.observe(call, milliseconds / 1_000);
  const { requestId, method, path, eventName: operation, credential, error } = call;
  const fields = {
    requestId,
    method,
    path,
    operation,
    principal: credential?.principalArn,
    source: call.peer.address,
    status,
    code: error?.name,
    milliseconds: Math.round(milliseconds),
  };
  log.debug(fields, 'request');
}

/** SDKs correct a wrong clock of their own by our Date. */
function stamp(response: Response, requestId: string, error: AwsError | undefined, clock: Clock): Response {
  response.headers.set('x-amzn-requestid', requestId);
  response.headers.set('date', clock.now().toUTCString());
  if (error?.retryAfterSeconds !== undefined) response.headers.set('retry-after', String(error.retryAfterSeconds));
  return response;
}
