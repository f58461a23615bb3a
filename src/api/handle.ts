/** One AWS operation from its request to its answer, the signature already verified. */
import { decodeInput } from '../contract/decode.ts';
import { encodeOutput } from '../contract/encode.ts';
import { AwsError, notYet } from '../contract/errors.ts';
import type { OperationModel } from '../contract/model.types.ts';
import type { Caller, CheckRequest, Operations } from '../contract/operations.ts';
import type { Call } from './call.ts';
import type { Route } from './router.ts';

export interface VerifiedRequest {
  /** Without what belongs to the signature. */
  readonly query: URLSearchParams;
  readonly body: Uint8Array;
}

export interface Handling {
  readonly operations: Partial<Operations>;
  readonly checkRequest: CheckRequest;
  /** Throws AccessDeniedException when the caller may not do this. */
  readonly authorise: (operation: OperationModel, input: Readonly<Record<string, unknown>>) => Promise<void>;
}

/** Throws an AwsError for everything that is wrong with the request. Notes input and output in the call. */
export async function handleOperation(
  { operation, labels }: Route,
  request: VerifiedRequest,
  call: Call,
  caller: Caller,
  { operations, checkRequest, authorise }: Handling,
): Promise<Response> {
  const handler = operations[operation.name] as AnyHandler | undefined;
  if (handler === undefined) throw notYet(`the operation ${operation.name}`);
  const body = parseBody(request.body);
  // Also what is refused is told in the audit trail.
  call.input = { ...labels, ...Object.fromEntries(request.query), ...(isRecord(body) ? body : {}) };
  const parts = { labels, query: request.query, body };
  const input = decodeInput(operation, parts, (wrong) => checkRequest(operation.name, wrong));
  call.input = input;
  await authorise(operation, input);
  const output = await handler(input, caller);
  const encoded = withRequestId(operation, encodeOutput(operation.output, output), caller.requestId);
  call.output = encoded;
  return Response.json(encoded, { status: operation.status });
}

/** TypeScript cannot see that input and handler belong to the same operation; decodeInput made it so. */
type AnyHandler = (input: Record<string, unknown>, caller: Caller) => Promise<object>;

function withRequestId(operation: OperationModel, output: object, requestId: string): object {
  return operation.output.members.has('requestId') ? { requestId, ...output } : output;
}

/** Throws InvalidRequestException; undefined for an empty body. */
export function parseBody(body: Uint8Array): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new AwsError('InvalidRequestException', 'The request body is not well-formed JSON in UTF-8.');
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
