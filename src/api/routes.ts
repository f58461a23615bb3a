/** From a request to whoever answers it: first who asks, then what for. */
import type { Hono } from 'hono';
import { AwsError } from '../contract/errors.ts';
import type { LogOperations } from '../contract/log-operations.ts';
import type { OperationModel } from '../contract/model.types.ts';
import type { CheckRequest, Operations } from '../contract/operations.ts';
import { accessChecks } from '../iam/access-checks.ts';
import type { Authorise } from '../iam/authorise.ts';
import { OPERATION_ACCESS } from '../iam/operation-access.ts';
import type { Clock } from '../util/clock.ts';
import { allow } from './allow.ts';
import type { Recorder } from './audit/recorder.ts';
import { readClaim } from './auth/claim.ts';
import type { FindCredential, KnownCredential } from './auth/credentials.ts';
import { beginVerification, finishVerification, signedQuery } from './auth/verify.ts';
import { readBody } from './body.ts';
import type { Call } from './call.ts';
import { handleOperation } from './handle.ts';
import type { KilnEndpoints } from './kiln/endpoints.ts';
import { addKilnRoutes } from './kiln/routes.ts';
import type { ApiLog } from './log.ts';
import { LOGS_SOURCE, logsOperation } from './logs/answer-logs.ts';
import { addLogsRoute } from './logs/routes.ts';
import type { Metrics } from './metrics.ts';
import type { RateLimit } from './rate-limit.ts';
import { callerOf } from './request-context.ts';
import type { Router } from './router.ts';
import { answerSts, STS_SOURCE, stsAction } from './sts/answer-sts.ts';

/** STS and CloudWatch Logs have one path for all operations, and Image Builder has nothing there. */
const ROOT_PATH = '/';

export interface Variables {
  credential: KnownCredential;
  /** Without what belongs to the signature. */
  query: URLSearchParams;
  body: Uint8Array;
}

export interface Routing {
  readonly operations: Partial<Operations>;
  readonly checkRequest: CheckRequest;
  readonly kiln: KilnEndpoints;
  readonly logs?: LogOperations;
  /** Of the installation, whose root is its operator. */
  readonly accountId: string;
  readonly findCredential: FindCredential;
  readonly region: string;
  readonly clock: Clock;
  readonly log: ApiLog;
  readonly router: Router;
  readonly authorise: Authorise;
  readonly rateLimit: RateLimit;
  readonly isReady: () => Promise<boolean>;
  readonly recorder: Recorder;
  readonly metrics: Metrics;
  readonly closing: AbortSignal;
}

export type App = Hono<{ Bindings: { call: Call }; Variables: Variables }>;

export function addRoutes(app: App, routing: Routing): void {
  const { region, rateLimit } = routing;
  app.use(async (c, next) => {
    const { call } = c.env;
    nameOperation(call, routing.router);
    const claim = readClaim(c.req.raw.headers, new URL(c.req.url).searchParams);
    call.claimedAccessKeyId = claim.accessKeyId;
    if (call.path === ROOT_PATH && claim.scope.service === 'sts') call.eventSource = STS_SOURCE;
    if (call.path === ROOT_PATH && claim.scope.service === 'logs') {
      call.eventSource = LOGS_SOURCE;
      call.eventName = logsOperation(c.req.raw.headers) || 'Unknown';
    }
    // What can be refused without the body is refused before it is read.
    const pending = beginVerification(c.req.raw, claim, verifierOf(call, routing));
    const body = await readBody(c.req.raw);
    await finishVerification(c.req.raw, body, pending);
    call.credential = pending.credential;
    c.set('credential', pending.credential);
    c.set('body', body);
    c.set('query', signedQuery(new URL(c.req.url).searchParams, claim.form));
    await next();
  });
  app.use(async (c, next) => {
    // Hono would answer it like GET and leave a stream that nobody reads.
    if (c.req.method === 'HEAD') throw new AwsError('UnknownOperationException', 'No operation is called with HEAD.');
    const { principalArn, userName } = c.get('credential');
    // The account's root is the operator, who must not be locked out by its own tools.
    const wait = userName === undefined ? undefined : rateLimit.take(principalArn, c.env.call.startedAt);
    if (wait !== undefined) {
      throw new AwsError('TooManyRequestsException', 'Rate exceeded', { retryAfterSeconds: wait });
    }
    routing.recorder.checkWritable();
    await next();
  });
  addKilnRoutes(app, routing);
  app.all(ROOT_PATH, async (c, next) => {
    const { call } = c.env;
    if (call.eventSource !== STS_SOURCE) return await next();
    const action = stsAction(c.req.method, c.get('query'), c.get('body'));
    if (/^[A-Za-z]{1,80}$/.test(action)) call.eventName = action;
    return answerSts(action, c.get('credential'), call.requestId);
  });
  addLogsRoute(app, ROOT_PATH, routing);
  app.all('*', (c) => {
    const { call } = c.env;
    const route = routing.router(call.method, call.path);
    const caller = callerOf(call, c.get('credential'), region);
    const { accountId } = caller;
    return handleOperation(route, { query: c.get('query'), body: c.get('body') }, call, caller, {
      operations: routing.operations,
      checkRequest: routing.checkRequest,
      authorise: ({ name }, input) => allow(call, accessChecks(name, input, { accountId, region }), routing),
    });
  });
}

function verifierOf(call: Call, { findCredential, region, clock }: Routing) {
  // Clients that know the global endpoint of STS sign for us-east-1.
  const sts = call.eventSource === STS_SOURCE;
  const other = call.eventSource === LOGS_SOURCE ? 'logs' : 'imagebuilder';
  return {
    findCredential,
    clock,
    regions: sts ? [region, 'us-east-1'] : [region],
    service: sts ? 'sts' : other,
  };
}

/** Names the operation, so that also a call that is refused has its name in the trail. */
function nameOperation(call: Call, router: Router): void {
  if (call.eventName !== 'Unknown') return;
  let operation: OperationModel;
  try {
    operation = router(call.method, call.path).operation;
  } catch {
    // No such operation: said once it is known who asks.
    return;
  }
  call.eventName = operation.name;
  const { level } = OPERATION_ACCESS[operation.name];
  call.readOnly = level === 'Read' || level === 'List';
}
