/**
 * What a request says about its signature, before anything of it is believed. Two forms: the `Authorization` header,
 * and the query of a presigned URL. Source: AWS IAM User Guide, "AWS Signature Version 4 for API requests".
 */
import { AwsError } from '../../contract/errors.ts';

export interface SignatureClaim {
  readonly form: 'header' | 'query';
  readonly accessKeyId: string;
  /** `20261123/us-east-1/imagebuilder/aws4_request`, as its four parts. */
  readonly scope: { readonly date: string; readonly region: string; readonly service: string };
  /** Lower case, as signed. */
  readonly signedHeaders: readonly string[];
  /** 64 hexadecimal digits. */
  readonly signature: string;
  readonly signedAt: Date;
  /** How long a presigned URL may be used. */
  readonly expiresSeconds: number | undefined;
  readonly sessionToken: string | undefined;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const HEADER_FIELDS: readonly string[] = ['Credential', 'SignedHeaders', 'Signature'];
const LONGEST_PRESIGNED_SECONDS = 7 * 24 * 60 * 60;

/** Throws MissingAuthenticationTokenException when nothing is signed and IncompleteSignatureException for a bad form. */
export function readClaim(headers: Headers, query: URLSearchParams): SignatureClaim {
  const authorization = headers.get('authorization');
  if (authorization !== null) return readHeaderForm(authorization, headers);
  if (query.has('X-Amz-Algorithm') || query.has('X-Amz-Signature')) return readQueryForm(query);
  throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token: requests must be signed.');
}

function readHeaderForm(authorization: string, headers: Headers): SignatureClaim {
  const [algorithm, ...rest] = authorization.trim().split(/\s+/);
  if (algorithm !== ALGORITHM) throw incomplete(`Authorization must begin with '${ALGORITHM}'.`);
  const fields = new Map<string, string>();
  for (const field of rest.join(' ').split(',')) {
    const [name = '', ...value] = field.trim().split('=');
    // A header that came twice is one here, joined by a comma.
    if (!HEADER_FIELDS.includes(name) || fields.has(name)) {
      throw incomplete(`Authorization must have ${HEADER_FIELDS.join(', ')}, each of them once.`);
    }
    fields.set(name, value.join('='));
  }
  return readFields({
    form: 'header',
    credential: fields.get('Credential'),
    signedHeaders: fields.get('SignedHeaders'),
    signature: fields.get('Signature'),
    date: headers.get('x-amz-date') ?? undefined,
    expires: undefined,
    sessionToken: headers.get('x-amz-security-token') ?? undefined,
  });
}

function readQueryForm(query: URLSearchParams): SignatureClaim {
  const one = (name: string): string | undefined => {
    const values = query.getAll(name);
    if (values.length > 1) throw incomplete(`${name} must be given once.`);
    return values[0];
  };
  if (one('X-Amz-Algorithm') !== ALGORITHM) throw incomplete(`X-Amz-Algorithm must be '${ALGORITHM}'.`);
  return readFields({
    form: 'query',
    credential: one('X-Amz-Credential'),
    signedHeaders: one('X-Amz-SignedHeaders'),
    signature: one('X-Amz-Signature'),
    date: one('X-Amz-Date'),
    expires: one('X-Amz-Expires') ?? '',
    sessionToken: one('X-Amz-Security-Token'),
  });
}

interface Fields {
  readonly form: 'header' | 'query';
  readonly credential: string | undefined;
  readonly signedHeaders: string | undefined;
  readonly signature: string | undefined;
  readonly date: string | undefined;
  readonly expires: string | undefined;
  readonly sessionToken: string | undefined;
}

function readFields(fields: Fields): SignatureClaim {
  const [accessKeyId, date, region, service, terminator, ...more] = (fields.credential ?? '').split('/');
  if (!accessKeyId || !date || !region || !service || terminator !== 'aws4_request' || more.length > 0) {
    throw incomplete('Credential must have the form ACCESS-KEY-ID/DATE/REGION/SERVICE/aws4_request.');
  }
  if (!fields.signedHeaders) throw incomplete('SignedHeaders is missing.');
  if (!/^[0-9a-f]{64}$/.test(fields.signature ?? '')) throw incomplete('Signature must be 64 hexadecimal digits.');
  return {
    form: fields.form,
    accessKeyId,
    scope: { date, region, service },
    signedHeaders: fields.signedHeaders.split(';'),
    signature: fields.signature ?? '',
    signedAt: readDate(fields.date),
    expiresSeconds: fields.expires === undefined ? undefined : readExpires(fields.expires),
    sessionToken: fields.sessionToken,
  };
}

function readDate(text: string | undefined): Date {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text ?? '');
  const [, year, month, day, hour, minute, second] = match ?? [];
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(date.getTime())) throw incomplete('X-Amz-Date must be a time of the form 20261231T235959Z.');
  return date;
}

function readExpires(text: string): number {
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (seconds < 1 || seconds > LONGEST_PRESIGNED_SECONDS) {
    throw incomplete(`X-Amz-Expires must be a number of seconds from 1 to ${LONGEST_PRESIGNED_SECONDS}.`);
  }
  return seconds;
}

function incomplete(reason: string): AwsError {
  return new AwsError('IncompleteSignatureException', `The request's signature cannot be read: ${reason}`);
}
