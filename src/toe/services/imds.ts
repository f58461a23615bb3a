import { coerceError } from '../../util/faults.ts';
import type { InstanceMetadata } from '../run-services.ts';

/** A service on the machine's own link answers at once, or it is not there. */
const ANSWER_WITHIN_MS = 2_000;
const TOKEN_SECONDS = 21_600;
/** Characters of a value; the longest that EC2 has, user data, is not among the values. */
const MAX_VALUE = 64 * 1024;
const ENDPOINTS = { ipv4: 'http://169.254.169.254', ipv6: 'http://[fd00:ec2::254]' } as const;

/**
 * The metadata service of the EC2 instance that this is, by sessions (IMDSv2) only. It is found as AWS's tools find it:
 * `AWS_EC2_METADATA_SERVICE_ENDPOINT`, `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE`, `AWS_EC2_METADATA_DISABLED`. Nothing is
 * asked before a document does. Source: EC2 User Guide, "Use the Instance Metadata Service to access instance metadata".
 */
export function imdsMetadata(environment: Readonly<Record<string, string>>): InstanceMetadata {
  const endpoint = endpointOf(environment);
  let token: string | undefined;
  return async (path, signal) => {
    if (environment['AWS_EC2_METADATA_DISABLED']?.toLowerCase() === 'true') {
      throw new Error('the instance metadata service is switched off (AWS_EC2_METADATA_DISABLED)');
    }
    token ??= await newToken(endpoint, signal);
    let answer = await get(endpoint, path, token, signal);
    if (answer.status === 401) {
      token = await newToken(endpoint, signal);
      answer = await get(endpoint, path, token, signal);
    }
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw new Error(`${endpoint} answered with HTTP status ${answer.status}`);
    const value = await answer.text();
    if (value.length > MAX_VALUE) throw new Error(`the value has more than ${MAX_VALUE} characters`);
    return value;
  };
}

function endpointOf(environment: Readonly<Record<string, string>>): string {
  const given = environment['AWS_EC2_METADATA_SERVICE_ENDPOINT'];
  if (given) return given.replace(/\/+$/, '');
  const mode = environment['AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE']?.toLowerCase();
  return mode === 'ipv6' ? ENDPOINTS.ipv6 : ENDPOINTS.ipv4;
}

async function newToken(endpoint: string, signal: AbortSignal): Promise<string> {
  const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_SECONDS) };
  const answer = await ask(endpoint, '/latest/api/token', { method: 'PUT', headers }, signal);
  if (answer.status !== 200) throw new Error(`${endpoint} gave no session: HTTP status ${answer.status}`);
  return (await answer.text()).trim();
}

function get(endpoint: string, path: string, token: string, signal: AbortSignal): Promise<Response> {
  const headers = { 'x-aws-ec2-metadata-token': token };
  return ask(endpoint, `/latest/meta-data/${path.replace(/^\/+/, '')}`, { headers }, signal);
}

async function ask(endpoint: string, path: string, request: RequestInit, signal: AbortSignal): Promise<Response> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
  try {
    // A redirect would lead the session's token elsewhere.
    return await fetch(endpoint + path, { ...request, redirect: 'error', signal: within });
  } catch (error) {
    signal.throwIfAborted();
    const { cause } = coerceError(error);
    const why = within.aborted ? `no answer within ${ANSWER_WITHIN_MS / 1000} s` : coerceError(cause ?? error).message;
    throw new Error(
      `no instance metadata service answers at ${endpoint} (${why}); off EC2 a stand-in can be named by AWS_EC2_METADATA_SERVICE_ENDPOINT`,
      { cause: error },
    );
  }
}
