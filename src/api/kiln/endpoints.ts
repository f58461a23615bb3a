/** Kiln's own additions to the API, under a path that no AWS operation has. Signed and refused like the rest. */
import { AwsError, invalidParameter } from '../../contract/errors.ts';
import type { FollowImageBuild } from '../../contract/follow.ts';
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
}

export const SERVICE_PATH = '/kiln/v1/service';
export const FOLLOW_PATH = '/kiln/v1/follow';

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
  const goOn = query.get('follow') ?? 'false';
  if (goOn !== 'true' && goOn !== 'false') throw invalidParameter('follow', 'follow must be true or false.');
  return ndjson({
    begin: (signal) => follow(arn, { follow: goOn === 'true', signal }),
    closing,
    onBroken,
    heartbeatMs: HEARTBEAT_MS,
  });
}

function refuseOthers(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (!known.includes(name)) {
      throw new AwsError('InvalidRequestException', `There is no parameter '${name.slice(0, 80)}' here.`);
    }
    if (query.getAll(name).length > 1) throw invalidParameter(name, `${name} must be given once.`);
  }
}
