import { createHash } from 'node:crypto';
import { Sha256 } from '@aws-crypto/sha256-js';
import type { ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import { SignatureV4 } from '@smithy/signature-v4';
import type { FollowLine } from '../contract/follow.ts';
import { BuilderFault, coerceError } from '../util/faults.ts';
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
  const response = await signedGet(address, '/kiln/v1/service', {}, signal);
  if (!response.ok) throw new Error(`the service answered ${response.status}`);
  return (await response.json()) as ServiceAnswer;
}

/**
 * An answer of a GET operation as it is on the wire. For members that are newer than the SDK's client, which leaves out
 * what it does not know.
 */
export async function getRaw(
  address: ServiceAddress,
  operation: string,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<unknown> {
  const response = await signedGet(address, `/${operation}`, query, signal);
  if (!response.ok) throw await refusalOf(response);
  return await response.json();
}

/** The lines of a build, from its beginning (contract/follow.ts). Ends after the `end` line. */
export async function* followBuild(
  address: ServiceAddress,
  imageBuildVersionArn: string,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<FollowLine> {
  const query = { imageBuildVersionArn, follow: String(follow) };
  const response = await signedGet(address, '/kiln/v1/follow', query, signal);
  if (!response.ok || response.body === null) throw await refusalOf(response);
  let rest = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines.filter((text) => text !== '')) yield JSON.parse(line) as FollowLine;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw new BuilderFault('The Kiln service went away while the build was followed.', {
      hint: `See 'kiln images' and 'kiln logs ${imageBuildVersionArn}' when it runs again.`,
      cause: error,
    });
  }
}

/** The error of an answer, named as the service names it. */
async function refusalOf(response: Response): Promise<Error> {
  const body = await response.json().catch(() => ({}));
  const message = typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : '';
  const error = new Error(message === '' ? `The service answered ${response.status}.` : message);
  error.name = response.headers.get('x-amzn-errortype') ?? 'ServiceException';
  return error;
}

async function signedGet(
  { url, region, credentials }: ServiceAddress,
  path: string,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Response> {
  const { hostname, port, host, protocol } = new URL(url);
  const signer = new SignatureV4({ service: 'imagebuilder', region, credentials, sha256: Sha256 });
  const { headers } = await signer.sign({
    method: 'GET',
    protocol,
    hostname,
    port: Number(port),
    path,
    query: { ...query },
    headers: { host, 'x-amz-content-sha256': createHash('sha256').digest('hex') },
  });
  const { host: _, ...sent } = headers;
  try {
    return await fetch(`${url}${path}?${new URLSearchParams(query)}`, { headers: sent, signal });
  } catch (error) {
    signal.throwIfAborted();
    const cause = coerceError(error).cause ?? error;
    throw new BuilderFault(`The Kiln service at ${url} cannot be reached: ${coerceError(cause).message}`, { cause });
  }
}
