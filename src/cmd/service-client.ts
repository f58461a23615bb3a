import { createHash } from 'node:crypto';
import type { ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import { SignatureV4 } from '@smithy/signature-v4';
import type { FollowLine } from '../contract/follow.ts';
import { readModel } from '../contract/model.ts';
import type { OperationName } from '../contract/operations.ts';
import { ServiceRefusal } from '../contract/service-refusal.ts';
import { BuilderFault, coerceError } from '../util/faults.ts';
import { Sha256 } from '../util/sha256.ts';
import type { Credentials } from './credentials.ts';

/** How to reach a service and prove that one may. */
export interface ServiceAddress {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly region: string;
  readonly credentials: Pick<Credentials, 'accessKeyId' | 'secretAccessKey'>;
}

/** What `GET /kiln/v1/service` answers. */
export interface ServiceAnswer {
  readonly version: string;
  readonly accountId: string;
  readonly region: string;
  readonly pid: number;
  readonly home: string;
}

/** The AWS SDK's client, pointed at the service. Who makes it destroys it. */
export async function createClient({ url, region, credentials }: ServiceAddress): Promise<ImagebuilderClient> {
  const { ImagebuilderClient } = await import('@aws-sdk/client-imagebuilder');
  return new ImagebuilderClient({ endpoint: url, region, credentials, maxAttempts: 3 });
}

/** Rejects when nobody answers there, or somebody who is not our service. */
export async function askService(address: ServiceAddress, signal: AbortSignal): Promise<ServiceAnswer> {
  const response = await signedFetch(address, { path: '/kiln/v1/service' }, signal);
  if (!response.ok) throw new Error(`the service answered ${response.status}`);
  return (await response.json()) as ServiceAnswer;
}

/**
 * Calls an operation without the SDK's client, which leaves out the members that are newer than itself, on both ways.
 * Rejects with a ServiceRefusal.
 */
export async function callOperation(
  address: ServiceAddress,
  name: OperationName,
  input: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const operation = readModel().find((candidate) => candidate.name === name);
  if (operation === undefined) throw new Error(`the contract has no operation ${name}`);
  const query: Record<string, string | string[]> = {};
  const body: Record<string, unknown> = {};
  let { path } = operation;
  for (const [member, { location }] of operation.input.members) {
    const value = input[member];
    if (value === undefined) continue;
    if (location === 'path') path = path.replace(`{${member}}`, encodeURIComponent(String(value)));
    else if (location === 'query') query[member] = Array.isArray(value) ? value.map(String) : String(value);
    else body[member] = value;
  }
  const hasBody = operation.method !== 'GET' && operation.method !== 'DELETE';
  const request = { method: operation.method, path, query, ...(hasBody ? { body: JSON.stringify(body) } : {}) };
  const response = await signedFetch(address, request, signal);
  if (!response.ok) throw await refusalOf(response);
  return (await response.json()) as Readonly<Record<string, unknown>>;
}

/** The lines of a build, from its beginning (contract/follow.ts). Ends after the `end` line. */
export async function* followBuild(
  address: ServiceAddress,
  imageBuildVersionArn: string,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<FollowLine> {
  const query = { imageBuildVersionArn, follow: String(follow) };
  const response = await signedFetch(address, { path: '/kiln/v1/follow', query }, signal);
  if (!response.ok || response.body === null) throw await refusalOf(response);
  const hint = `See 'kiln images' and 'kiln logs ${imageBuildVersionArn}' when it runs again.`;
  yield* readLines<FollowLine>(response.body, hint, signal);
}

/** Lines of JSON of an answer; empty ones are signs of life. Throws a BuilderFault when it breaks off. */
export async function* readLines<Line>(
  body: ReadableStream<Uint8Array>,
  hint: string,
  signal: AbortSignal,
): AsyncGenerator<Line> {
  let rest = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines.filter((text) => text !== '')) yield JSON.parse(line) as Line;
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw new BuilderFault('The Kiln service went away while it was listened to.', { hint, cause });
  }
}

/** What a refusal says. */
export async function refusalOf(response: Response): Promise<ServiceRefusal> {
  const body = await response.json().catch(() => ({}));
  const told = typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : '';
  const message = told === '' ? `The service answered ${response.status}.` : told;
  const code = response.headers.get('x-amzn-errortype') ?? 'ServiceException';
  return new ServiceRefusal(code, message, response.status < 500 ? 'client' : 'server');
}

export interface SignedRequest {
  readonly method?: string;
  /** Percent-encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
  /** Which service of AWS's it is signed for. Default: Image Builder. */
  readonly service?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a request as the owner of the home. Throws a BuilderFault when nobody answers. */
export async function signedFetch(
  { url, region, credentials }: ServiceAddress,
  { method = 'GET', path, query = {}, body, service = 'imagebuilder', headers: added = {} }: SignedRequest,
  signal: AbortSignal,
): Promise<Response> {
  const { hostname, port, host, protocol } = new URL(url);
  const signer = new SignatureV4({ service, region, credentials, sha256: Sha256 });
  const { headers } = await signer.sign({
    method,
    protocol,
    hostname,
    port: Number(port),
    path,
    query: Object.fromEntries(Object.entries(query).map(([name, value]) => [name, [value].flat()])),
    headers: {
      host,
      'x-amz-content-sha256': createHash('sha256')
        .update(body ?? '')
        .digest('hex'),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...added,
    },
    ...(body === undefined ? {} : { body }),
  });
  const { host: _, ...sent } = headers;
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  );
  const search = pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
  try {
    const init = { method, headers: sent, signal, ...(body === undefined ? {} : { body }) };
    return await fetch(`${url}${path}${search}`, init);
  } catch (error) {
    signal.throwIfAborted();
    const cause = coerceError(error).cause ?? error;
    throw new BuilderFault(`The Kiln service at ${url} cannot be reached: ${coerceError(cause).message}`, { cause });
  }
}
