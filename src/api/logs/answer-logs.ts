/**
 * CloudWatch Logs in its own protocol, AWS JSON 1.1: the operation in a header, everything else in the body. Source:
 * CloudWatch Logs API Reference.
 */
import { AwsError } from '../../contract/errors.ts';
import type { LogOperationName, LogOperations } from '../../contract/log-operations.ts';
import type { Caller } from '../../contract/operations.ts';
import type { AccessCheck, Place } from '../../iam/access-checks.ts';
import { isLogOperation, readLogInput } from './log-inputs.ts';

export const LOGS_SOURCE = 'logs.amazonaws.com';
const TARGET = /^Logs_20140328\.([A-Za-z]{1,80})$/;
const CONTENT_TYPE = 'application/x-amz-json-1.1';

/** The operation that a request names; empty when it names none. */
export function logsOperation(headers: Headers): string {
  return TARGET.exec(headers.get('x-amz-target') ?? '')?.[1] ?? '';
}

export interface LogsHandling {
  readonly operations: LogOperations;
  readonly place: Place;
  readonly authorise: (checks: readonly AccessCheck[]) => Promise<void>;
  /** Told the input before anybody is asked. */
  readonly onInput: (input: Readonly<Record<string, unknown>>) => void;
}

/** Throws an AwsError for everything that is wrong with the request. */
export async function answerLogs(
  name: string,
  body: Uint8Array,
  caller: Caller,
  { operations, place, authorise, onInput }: LogsHandling,
): Promise<Response> {
  if (!isLogOperation(name)) {
    const what =
      name === ''
        ? 'The request names no operation of CloudWatch Logs.'
        : `Kiln does not support ${name} of CloudWatch Logs.`;
    throw new AwsError('UnknownOperationException', what);
  }
  const input = readLogInput(name, parseBody(body));
  onInput(input);
  await authorise([{ action: `logs:${name}`, resource: resourceOf(name, input, place), context: new Map() }]);
  // The table of inputs and the types of the operations say the same of each operation.
  const operation = operations[name] as (input: object, caller: Caller) => Promise<object>;
  const output = await operation.call(operations, input, caller);
  return new Response(JSON.stringify(output), { headers: { 'content-type': CONTENT_TYPE } });
}

export function logsErrorAnswer(error: AwsError): Response {
  const body = JSON.stringify({ __type: error.name, message: error.message });
  const headers = { 'content-type': CONTENT_TYPE, 'x-amzn-errortype': error.name };
  return new Response(body, { status: error.httpStatus < 500 ? 400 : error.httpStatus, headers });
}

/** Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon CloudWatch Logs". */
function resourceOf(name: LogOperationName, input: Readonly<Record<string, unknown>>, place: Place): string {
  const prefix = `arn:aws:logs:${place.region}:${place.accountId}:log-group:`;
  if (name === 'DescribeLogGroups') return `${prefix}*`;
  const group = `${prefix}${String(input['logGroupName'])}`;
  return name === 'GetLogEvents' ? `${group}:log-stream:${String(input['logStreamName'])}` : `${group}:*`;
}

function parseBody(body: Uint8Array): unknown {
  try {
    return JSON.parse(body.length === 0 ? '{}' : new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new AwsError('InvalidParameterException', 'The request body is not well-formed JSON in UTF-8.');
  }
}
