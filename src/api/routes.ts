/** From a request to whoever answers it: first who asks, then what for. */
import type { Hono } from 'hono';
import { AwsError } from '../contract/errors.ts';
import type { LogOperations } from '../contract/log-operations.ts';
import type { OperationModel } from '../contract/model.types.ts';
import type { Operations } from '../contract/operations.ts';
import { type AccessCheck, accessChecks } from '../iam/access-checks.ts';
import type { Authorise } from '../iam/authorise.ts';
import { OPERATION_ACCESS } from '../iam/operation-access.ts';
import type { Clock } from '../util/clock.ts';
import type { Recorder } from './audit/recorder.ts';
import { readClaim } from './auth/claim.ts';
import type { FindCredential, KnownCredential } from './auth/credentials.ts';
import { beginVerification, finishVerification, signedQuery } from './auth/verify.ts';
import { readBody } from './body.ts';
import type { Call } from './call.ts';
import { handleOperation, isRecord, parseBody } from './handle.ts';
import {
  answerEvents,
  answerFollow,
  answerService,
  EVENTS_PATH,
  FOLLOW_PATH,
  findOperation,
  type KilnEndpoints,
  OPERATIONS_PATH,
  SERVICE_PATH,
} from './kiln/endpoints.ts';
import { answerHealth, HEALTH_PATH } from './kiln/health.ts';
import type { ApiLog } from './log.ts';
import { answerLogs, LOGS_SOURCE, logsOperation } from './logs/answer-logs.ts';
import type { Metrics } from './metrics.ts';
import type { RateLimit } from './rate-limit.ts';
import { requestContext } from './request-context.ts';
import type { Router } from './router.ts';
import { answerSts, STS_SOURCE, stsAction } from './sts/answer-sts.ts';

export const METRICS_PATH = '/kiln/v1/metrics';
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

/** What the audit trail calls a request that is not for one of Image Builder's operations. */
const KILN_EVENTS: Readonly<Record<string, string>> = {
  [SERVICE_PATH]: 'DescribeService',
  [FOLLOW_PATH]: 'FollowImageBuild',
  [EVENTS_PATH]: 'FollowEvents',
  [METRICS_PATH]: 'GetMetrics',
};

/** Service and name of a request by its path alone; operations are named when it is routed. */
export function nameOf(path: string): Pick<Call, 'eventSource' | 'eventName'> {
  const operation = path.startsWith(OPERATIONS_PATH) ? path.slice(OPERATIONS_PATH.length) : '';
  if (/^[A-Za-z]{1,80}$/.test(operation)) return { eventSource: 'kiln', eventName: operation };
  const own = path.startsWith(HEALTH_PATH) ? 'GetHealth' : KILN_EVENTS[path];
  if (own !== undefined) return { eventSource: 'kiln', eventName: own };
  return { eventSource: 'imagebuilder.amazonaws.com', eventName: 'Unknown' };
}

type App = Hono<{ Bindings: { call: Call }; Variables: Variables }>;

export function addRoutes(app: App, routing: Routing): void {
  const { kiln, region, log, rateLimit } = routing;
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
  app.get(SERVICE_PATH, (c) => answerService(c.get('query'), kiln, c.get('credential').accountId));
  app.get(FOLLOW_PATH, async (c) => {
    const { call } = c.env;
    const query = c.get('query');
    call.input = Object.fromEntries(query);
    const resource = query.get('imageBuildVersionArn') ?? '*';
    // A policy shares an image, never the log of its build.
    await allow(call, [{ action: 'imagebuilder:GetImage', resource, context: new Map(), ownOnly: true }], routing);
    return answerFollow(query, kiln, routing.closing, (err) => log.error({ requestId: call.requestId, err }, 'follow'));
  });
  app.get(EVENTS_PATH, async (c) => {
    const { call } = c.env;
    const query = c.get('query');
    call.input = Object.fromEntries(query);
    await allow(call, [{ action: 'kiln:FollowEvents', resource: '*', context: new Map() }], routing);
    const onBroken = (err: unknown): void => log.error({ requestId: call.requestId, err }, 'events');
    return answerEvents(query, kiln, c.get('credential').accountId, routing.closing, onBroken);
  });
  app.post(`${OPERATIONS_PATH}:name`, async (c) => {
    const { call } = c.env;
    const operation = findOperation(c.req.param('name'), kiln);
    call.readOnly = operation.readOnly;
    const input = parseBody(c.get('body')) ?? {};
    if (!isRecord(input)) throw new AwsError('InvalidRequestException', 'The request body must be a JSON object.');
    call.input = input;
    const { accountId, principalArn, userName } = c.get('credential');
    if (userName !== undefined || accountId !== routing.accountId) {
      throw new AwsError('AccessDeniedException', `User: ${principalArn} is not the owner of this installation.`);
    }
    const action = `kiln:${call.eventName}`;
    await allow(call, [{ action, resource: '*', context: new Map() }], routing);
    const caller = { accountId, principalArn, context: requestContext(call, region), requestId: call.requestId };
    const output = await operation.run(input, caller);
    call.output = output;
    return Response.json(output);
  });
  app.get(METRICS_PATH, async (c) => {
    await allow(c.env.call, [{ action: 'kiln:GetMetrics', resource: '*', context: new Map() }], routing);
    return routing.metrics.answer();
  });
  app.get(`${HEALTH_PATH}*`, async (c, next) => {
    const answer = await answerHealth(c.env.call.path, routing.isReady);
    return answer ?? (await next());
  });
  app.all(ROOT_PATH, async (c, next) => {
    const { call } = c.env;
    if (call.eventSource !== STS_SOURCE) return await next();
    const action = stsAction(c.req.method, c.get('query'), c.get('body'));
    if (/^[A-Za-z]{1,80}$/.test(action)) call.eventName = action;
    return answerSts(action, c.get('credential'), call.requestId);
  });
  app.post(ROOT_PATH, async (c, next) => {
    const { call } = c.env;
    if (call.eventSource !== LOGS_SOURCE || routing.logs === undefined) return await next();
    const { accountId, principalArn } = c.get('credential');
    const caller = { accountId, principalArn, context: requestContext(call, region), requestId: call.requestId };
    return answerLogs(logsOperation(c.req.raw.headers), c.get('body'), caller, {
      operations: routing.logs,
      place: { accountId, region },
      authorise: (checks) => allow(call, checks, routing),
      onInput: (input) => {
        call.input = input;
      },
    });
  });
  app.all('*', (c) => {
    const { call } = c.env;
    const route = routing.router(call.method, call.path);
    const { accountId, principalArn } = c.get('credential');
    const caller = { accountId, principalArn, context: requestContext(call, region), requestId: call.requestId };
    return handleOperation(route, { query: c.get('query'), body: c.get('body') }, call, caller, {
      operations: routing.operations,
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

/** Throws AccessDeniedException when the caller's policy or the endpoint's does not allow all of this. */
async function allow(call: Call, checks: readonly AccessCheck[], { authorise, region }: Routing): Promise<void> {
  const { credential, peer } = call;
  if (credential === undefined) throw new Error('The caller is not known yet.');
  const { principalArn, accountId, policy } = credential;
  const subject = { principalArn, accountId, policy, endpointPolicy: peer.endpointPolicy };
  await authorise({ ...subject, context: requestContext(call, region) }, checks);
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
