/** Kiln's own additions to the API, under a path that no AWS operation has. Signed and refused like the rest. */
import { AwsError, invalidParameter } from '../../contract/errors.ts';
import type { FollowImageBuild } from '../../contract/follow.ts';
import type { FollowEvents, KilnOperation, KilnOperations } from '../../contract/kiln-operations.ts';
import { ndjson } from './ndjson.ts';

/** What `GET /kiln/v1/service` tells about the running service. */
export interface ServiceDescription {
  readonly version: string;
  readonly accountId: string;
  readonly region: string;
  readonly pid: number;
  /** The KILN_HOME that the service holds. */
  readonly home: string;
}

export interface KilnEndpoints {
  readonly service: ServiceDescription;
  readonly follow: FollowImageBuild;
  readonly followEvents?: FollowEvents;
  readonly operations?: KilnOperations;
  /** The certificate of signed messages, PEM, by a path under {@link CERTIFICATE_PATH}; anybody may read it. */
  readonly findCertificate?: (path: string) => Promise<string | undefined>;
}

export const SERVICE_PATH = '/kiln/v1/service';
export const FOLLOW_PATH = '/kiln/v1/follow';
export const EVENTS_PATH = '/kiln/v1/events';
export const CERTIFICATE_PATH = '/kiln/v1/sns/';
export const OPERATIONS_PATH = '/kiln/v1/operations/';

/** Node's fetch gives an answer up after five minutes of silence; a guest without KVM can be silent for longer. */
const HEARTBEAT_MS = 30_000;

/** The account is that of whoever asks: the one that their resources will belong to. */
export function answerService(query: URLSearchParams, { service }: KilnEndpoints, accountId: string): Response {
  refuseOthers(query, []);
  return Response.json({ ...service, accountId });
}

/** `?imageBuildVersionArn=ARN&follow=true|false`; the answer is described in contract/follow.ts. */
export async function answerFollow(
  query: URLSearchParams,
  { follow }: KilnEndpoints,
  closing: AbortSignal,
  onBroken: (error: unknown) => void,
): Promise<Response> {
  refuseOthers(query, ['imageBuildVersionArn', 'follow']);
  const arn = query.get('imageBuildVersionArn') ?? '';
  if (arn === '') throw invalidParameter('imageBuildVersionArn', 'imageBuildVersionArn is required.');
  const goesOn = readFollow(query);
  return ndjson({
    begin: (signal) => follow(arn, { follow: goesOn, signal }),
    closing,
    onBroken,
    heartbeatMs: HEARTBEAT_MS,
  });
}

/** `?after=POSITION&follow=true|false`; a line for each event, as contract/kiln-operations.ts describes it. */
export async function answerEvents(
  query: URLSearchParams,
  { followEvents }: KilnEndpoints,
  accountId: string,
  closing: AbortSignal,
  onBroken: (error: unknown) => void,
): Promise<Response> {
  if (followEvents === undefined) throw new AwsError('UnknownOperationException', 'There are no events here.');
  refuseOthers(query, ['after', 'follow']);
  const after = query.get('after') ?? '0';
  if (!/^\d{1,18}$/.test(after)) throw invalidParameter('after', 'after must be a position.');
  const follow = readFollow(query);
  return ndjson({
    begin: (signal) => followEvents({ accountId, after, follow }, signal),
    closing,
    onBroken,
    heartbeatMs: HEARTBEAT_MS,
  });
}

/** The certificate, when it is asked for; undefined for everything else. */
export async function answerCertificate(
  method: string,
  path: string,
  { findCertificate }: KilnEndpoints,
): Promise<Response | undefined> {
  if (method !== 'GET' || !path.startsWith(CERTIFICATE_PATH)) return undefined;
  const pem = await findCertificate?.(path);
  if (pem === undefined) return undefined;
  return new Response(pem, { headers: { 'content-type': 'application/x-pem-file' } });
}

/** Throws UnknownOperationException. */
export function findOperation(name: string, { operations = {} }: KilnEndpoints): KilnOperation {
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (operation === undefined) throw new AwsError('UnknownOperationException', `Kiln has no operation ${name}.`);
  return operation;
}

function readFollow(query: URLSearchParams): boolean {
  const follow = query.get('follow') ?? 'false';
  if (follow !== 'true' && follow !== 'false') throw invalidParameter('follow', 'follow must be true or false.');
  return follow === 'true';
}

function refuseOthers(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (!known.includes(name)) {
      throw new AwsError('InvalidRequestException', `There is no parameter '${name.slice(0, 80)}' here.`);
    }
    if (query.getAll(name).length > 1) throw invalidParameter(name, `${name} must be given once.`);
  }
}
