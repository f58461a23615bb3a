/**
 * The one action of AWS's Security Token Service that clients call by themselves: who am I? In the AWS query protocol,
 * with XML answers. Source: AWS STS API Reference, "GetCallerIdentity".
 */
import { AwsError } from '../../contract/errors.ts';
import type { KnownCredential } from '../auth/credentials.ts';

export const STS_SOURCE = 'sts.amazonaws.com';
const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';

/** The name of the action that a request asks for, in its form body or its query. */
export function stsAction(method: string, query: URLSearchParams, body: Uint8Array): string {
  return stsParameters(method, query, body).get('Action') ?? '';
}

export function answerSts(action: string, credential: KnownCredential, requestId: string): Response {
  if (action === '') throw new AwsError('MissingAction', 'The request must contain the parameter Action.');
  if (action !== 'GetCallerIdentity') {
    throw new AwsError('InvalidAction', `Kiln does not support the action ${action.slice(0, 80)} of STS.`);
  }
  const { principalArn, userId, accountId } = credential;
  const result = `<Arn>${escapeXml(principalArn)}</Arn><UserId>${escapeXml(userId)}</UserId><Account>${escapeXml(accountId)}</Account>`;
  return xml(
    200,
    `<GetCallerIdentityResponse xmlns="${NAMESPACE}"><GetCallerIdentityResult>${result}</GetCallerIdentityResult>` +
      `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></GetCallerIdentityResponse>`,
  );
}

/** STS names two errors otherwise than services with JSON do. */
const CODES: Readonly<Record<string, string>> = {
  UnrecognizedClientException: 'InvalidClientTokenId',
  InvalidSignatureException: 'SignatureDoesNotMatch',
  AccessDeniedException: 'AccessDenied',
  TooManyRequestsException: 'Throttling',
};

export function stsErrorAnswer(error: AwsError, requestId: string): Response {
  const code = CODES[error.name] ?? error.name.replace(/Exception$/, '');
  const fault = error.httpStatus < 500 ? 'Sender' : 'Receiver';
  return xml(
    error.httpStatus,
    `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>${fault}</Type><Code>${code}</Code>` +
      `<Message>${escapeXml(error.message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
  );
}

function stsParameters(method: string, query: URLSearchParams, body: Uint8Array): URLSearchParams {
  return method === 'POST' ? new URLSearchParams(new TextDecoder().decode(body)) : query;
}

function xml(status: number, text: string): Response {
  return new Response(text, { status, headers: { 'content-type': 'text/xml' } });
}

function escapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
  return text.replace(/[&<>]/g, (character) => entities[character] ?? '');
}
