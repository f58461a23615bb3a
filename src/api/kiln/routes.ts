/** The routes of Kiln's own additions to the API. */
import { AwsError } from '../../contract/errors.ts';
import { allow } from '../allow.ts';
import type { Call } from '../call.ts';
import { isRecord, parseBody } from '../handle.ts';
import { callerOf } from '../request-context.ts';
import type { App, Routing } from '../routes.ts';
import {
  answerEvents,
  answerFollow,
  answerService,
  EVENTS_PATH,
  FOLLOW_PATH,
  findOperation,
  OPERATIONS_PATH,
  SERVICE_PATH,
} from './endpoints.ts';
import { answerHealth, HEALTH_PATH } from './health.ts';

export const METRICS_PATH = '/kiln/v1/metrics';

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

export function addKilnRoutes(app: App, routing: Routing): void {
  const { kiln, region, log } = routing;
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
    const caller = callerOf(call, c.get('credential'), region);
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
}
