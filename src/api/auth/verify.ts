/**
 * Signature Version 4, the only way in: a request is signed again with the secret that belongs to its access key, and
 * the two signatures are compared. The body is hashed here, whatever hash the client claims.
 */
import { createHash } from 'node:crypto';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import { AwsError } from '../../contract/errors.ts';
import type { Clock } from '../../util/clock.ts';
import { isSameSecret } from '../../util/same-secret.ts';
import { Sha256 } from '../../util/sha256.ts';
import type { SignatureClaim } from './claim.ts';
import type { FindCredential, KnownCredential } from './credentials.ts';

export interface VerifierOptions {
  readonly findCredential: FindCredential;
  /** The Regions and the service that requests may be signed for; the first Region is ours. */
  readonly regions: readonly string[];
  readonly service: string;
  readonly clock: Clock;
}

/** A claim whose form, time, scope and access key are right, waiting for the body that the signature covers. */
export interface PendingVerification {
  readonly claim: SignatureClaim;
  readonly credential: KnownCredential;
}

const MAX_SKEW_MS = 15 * 60 * 1_000;

/** Everything that can be refused before the body is read. Throws an AwsError as AWS answers it. */
export function beginVerification(
  request: Request,
  claim: SignatureClaim,
  options: VerifierOptions,
): PendingVerification {
  const credential = options.findCredential(claim.accessKeyId);
  if (credential === undefined || claim.sessionToken !== undefined) {
    // Kiln gives out no session tokens, so whoever sends one has credentials for something else.
    throw new AwsError('UnrecognizedClientException', 'The security token included in the request is invalid.');
  }
  checkTime(claim, options.clock.now());
  checkScope(claim, options);
  checkSignedHeaders(claim, request.headers);
  return { claim, credential };
}

/** Throws InvalidSignatureException unless the signature is that of this request with this body. */
export async function finishVerification(
  request: Request,
  body: Uint8Array,
  { claim, credential }: PendingVerification,
): Promise<void> {
  checkClaimedHash(request.headers, body);
  const expected = await signAgain(request, body, claim, credential);
  if (!isSameSecret(claim.signature, expected)) {
    throw invalidSignature(
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
    );
  }
}

function checkTime({ form, signedAt, expiresSeconds }: SignatureClaim, now: Date): void {
  const age = now.getTime() - signedAt.getTime();
  if (age < -MAX_SKEW_MS) {
    throw invalidSignature(`Signature not yet current: ${basic(signedAt)} is later than ${basic(now)} + 15 min.`);
  }
  if (form === 'query' && age > (expiresSeconds ?? 0) * 1_000) {
    throw new AwsError('RequestExpired', `The presigned request of ${basic(signedAt)} has expired.`);
  }
  if (form === 'header' && age > MAX_SKEW_MS) {
    throw invalidSignature(`Signature expired: ${basic(signedAt)} is earlier than ${basic(now)} - 15 min.`);
  }
}

function checkScope({ scope, signedAt }: SignatureClaim, { regions, service }: VerifierOptions): void {
  if (scope.date !== basic(signedAt).slice(0, 8)) {
    throw invalidSignature('Date in Credential scope does not match the date of the request.');
  }
  if (!regions.includes(scope.region)) {
    throw invalidSignature(`Credential should be scoped to a valid region: this is '${regions[0]}'.`);
  }
  if (scope.service !== service) {
    throw invalidSignature(`Credential should be scoped to correct service: '${service}'.`);
  }
}

/** What is not signed could be changed on the way, so everything that has a meaning to us must be. */
function checkSignedHeaders({ signedHeaders }: SignatureClaim, headers: Headers): void {
  const mustBeSigned = ['host', ...[...headers.keys()].filter((name) => name.startsWith('x-amz-'))];
  const unsigned = mustBeSigned.filter((name) => !signedHeaders.includes(name));
  if (unsigned.length > 0) throw invalidSignature(`These headers must be signed: ${unsigned.join(', ')}.`);
  const missing = signedHeaders.filter((name) => !isPresent(headers, name));
  if (missing.length > 0) throw invalidSignature('A signed header is missing from the request.');
}

function isPresent(headers: Headers, name: string): boolean {
  try {
    return headers.has(name);
  } catch {
    return false;
  }
}

function checkClaimedHash(headers: Headers, body: Uint8Array): void {
  const claimed = headers.get('x-amz-content-sha256');
  if (claimed !== null && claimed !== createHash('sha256').update(body).digest('hex')) {
    throw invalidSignature('The x-amz-content-sha256 header does not match the body.');
  }
}

async function signAgain(
  request: Request,
  body: Uint8Array,
  claim: SignatureClaim,
  credential: KnownCredential,
): Promise<string> {
  const { accessKeyId, secretAccessKey } = credential;
  const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey },
    region: claim.scope.region,
    service: claim.scope.service,
    sha256: Sha256,
    applyChecksum: false,
  });
  const signedHeaders = new Set(claim.signedHeaders);
  const toSign = requestToSign(request, body, claim);
  if (claim.form === 'header') {
    const signed = await signer.sign(toSign, { signingDate: claim.signedAt, signableHeaders: signedHeaders });
    return lastHexDigits(signed.headers['authorization']);
  }
  const presigned = await signer.presign(toSign, {
    signingDate: claim.signedAt,
    expiresIn: claim.expiresSeconds ?? 0,
    signableHeaders: signedHeaders,
    unhoistableHeaders: signedHeaders,
  });
  return lastHexDigits(presigned.query?.['X-Amz-Signature']);
}

/** The request as it was before it was signed, with only those headers that were signed. */
function requestToSign(request: Request, body: Uint8Array, claim: SignatureClaim): HttpRequest {
  const url = new URL(request.url);
  // Names come from the caller, `__proto__` among them.
  const query: Record<string, string[]> = Object.create(null);
  for (const [name, value] of signedQuery(url.searchParams, claim.form)) {
    query[name] ??= [];
    query[name].push(value);
  }
  return new HttpRequest({
    method: request.method,
    protocol: url.protocol,
    hostname: url.hostname,
    // Still percent-encoded: the signer encodes it once more, as all services but S3 do.
    path: url.pathname,
    query,
    headers: Object.fromEntries(claim.signedHeaders.map((name) => [name, request.headers.get(name) ?? ''])),
    body,
  });
}

/** The query without what a presigned URL says about its own signature. */
export function signedQuery(query: URLSearchParams, form: SignatureClaim['form']): URLSearchParams {
  const ownNames = new Set(['Algorithm', 'Credential', 'Date', 'Expires', 'SignedHeaders', 'Signature']);
  const isOwn = (name: string): boolean => name.startsWith('X-Amz-') && ownNames.has(name.slice('X-Amz-'.length));
  return form === 'header' ? query : new URLSearchParams([...query].filter(([name]) => !isOwn(name)));
}

function lastHexDigits(text: unknown): string {
  return String(text).slice(-64);
}

/** `20261123T033200Z` */
function basic(date: Date): string {
  return date.toISOString().replace(/[-:]|\.\d{3}/g, '');
}

function invalidSignature(message: string): AwsError {
  return new AwsError('InvalidSignatureException', message);
}
