/** One AWS operation from its request to its answer, the signature already verified. */
import { decodeInput } from '../contract/decode.ts';
import { encodeOutput } from '../contract/encode.ts';
import { AwsError, notYet } from '../contract/errors.ts';
import type { OperationModel } from '../contract/model.types.ts';
import type { Caller, Operations } from '../contract/operations.ts';
import type { Router } from './router.ts';

export interface VerifiedRequest {
  readonly method: string;
  /** Still percent-encoded. */
  readonly path: string;
  /** Without what belongs to the signature. */
  readonly query: URLSearchParams;
  readonly body: Uint8Array;
}

/** Throws an AwsError for everything that is wrong with the request. */
export async function handleOperation(
  request: VerifiedRequest,
  caller: Caller,
  router: Router,
  operations: Partial<Operations>,
): Promise<Response> {
  const { operation, labels } = router(request.method, request.path);
  const handler = operations[operation.name] as AnyHandler | undefined;
  if (handler === undefined) throw notYet(`the operation ${operation.name}`);
  const input = decodeInput(operation, { labels, query: request.query, body: parseBody(request.body) });
  const output = await handler(input, caller);
  return Response.json(withRequestId(operation, encodeOutput(operation.output, output), caller.requestId), {
    status: operation.status,
  });
}

/** TypeScript cannot see that input and handler belong to the same operation; decodeInput made it so. */
type AnyHandler = (input: Record<string, unknown>, caller: Caller) => Promise<object>;

function withRequestId(operation: OperationModel, output: object, requestId: string): object {
  return operation.output.members.has('requestId') ? { requestId, ...output } : output;
}

function parseBody(body: Uint8Array): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new AwsError('InvalidRequestException', 'The request body is not well-formed JSON in UTF-8.');
  }
}
