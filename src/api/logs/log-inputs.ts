/**
 * The members of requests to CloudWatch Logs, as data. What AWS has and is not here is refused by its name. Source:
 * CloudWatch Logs API Reference.
 */

import { AwsError } from '../../contract/errors.ts';
import type { LogOperationName } from '../../contract/log-operations.ts';

type Member =
  | { readonly kind: 'text'; readonly pattern: RegExp; readonly required?: true }
  | { readonly kind: 'texts'; readonly pattern: RegExp; readonly most: number }
  | { readonly kind: 'number'; readonly min: number; readonly max: number }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'word'; readonly words: readonly string[] }
  /** Accepted where it asks for nothing. */
  | { readonly kind: 'ignored'; readonly harmless: (value: unknown) => boolean };

const GROUP_NAME = /^[.\-_/#A-Za-z0-9]{1,512}$/;
const STREAM_NAME = /^[^:*]{1,512}$/;
const TOKEN = /^[\s\S]{1,2048}$/;

const groupName: Member = { kind: 'text', pattern: GROUP_NAME };
const streamName: Member = { kind: 'text', pattern: STREAM_NAME };
const nextToken: Member = { kind: 'text', pattern: TOKEN };
const time: Member = { kind: 'number', min: 0, max: Number.MAX_SAFE_INTEGER };
const isOff: Member = { kind: 'ignored', harmless: (value) => value === false };
/** A name, or the ARN of a group with or without `:*`. */
const groupIdentifier: Member = {
  kind: 'text',
  pattern: /^(?:arn:aws[a-z-]*:logs:[a-z0-9-]+:\d{12}:log-group:)?[.\-_/#A-Za-z0-9]{1,512}(?::\*)?$/,
};

const INPUTS: { readonly [Name in LogOperationName]: Readonly<Record<string, Member>> } = {
  DescribeLogGroups: {
    logGroupNamePrefix: groupName,
    logGroupNamePattern: groupName,
    limit: { kind: 'number', min: 1, max: 50 },
    nextToken,
    includeLinkedAccounts: isOff,
    logGroupClass: { kind: 'ignored', harmless: (value) => value === 'STANDARD' },
  },
  DescribeLogStreams: {
    logGroupName: groupName,
    logGroupIdentifier: groupIdentifier,
    logStreamNamePrefix: streamName,
    orderBy: { kind: 'word', words: ['LogStreamName', 'LastEventTime'] },
    descending: { kind: 'boolean' },
    limit: { kind: 'number', min: 1, max: 50 },
    nextToken,
  },
  GetLogEvents: {
    logGroupName: groupName,
    logGroupIdentifier: groupIdentifier,
    logStreamName: { ...streamName, required: true },
    startTime: time,
    endTime: time,
    limit: { kind: 'number', min: 1, max: 10_000 },
    startFromHead: { kind: 'boolean' },
    nextToken,
    unmask: isOff,
  },
  FilterLogEvents: {
    logGroupName: groupName,
    logGroupIdentifier: groupIdentifier,
    logStreamNames: { kind: 'texts', pattern: STREAM_NAME, most: 100 },
    logStreamNamePrefix: streamName,
    startTime: time,
    endTime: time,
    filterPattern: { kind: 'text', pattern: /^[\s\S]{0,1024}$/ },
    limit: { kind: 'number', min: 1, max: 10_000 },
    nextToken,
    // Without it events come stream by stream, with it by their times, which is what AWS does since 2019 in any case.
    interleaved: { kind: 'boolean' },
    unmask: isOff,
  },
};

export function isLogOperation(name: string): name is LogOperationName {
  return Object.hasOwn(INPUTS, name);
}

/**
 * A request's members, checked; a group that is named by its ARN becomes a name. Throws InvalidParameterException.
 */
export function readLogInput(operation: LogOperationName, body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new AwsError('InvalidParameterException', 'The request must be a JSON object.');
  }
  const members = INPUTS[operation];
  const given = Object.entries(body).filter(([, value]) => value !== null);
  const input = Object.fromEntries(given.flatMap(([name, value]) => readMember(members, name, value)));
  const missing = Object.entries(members).find(([name, member]) => 'required' in member && !(name in input));
  if (missing !== undefined) throw new AwsError('InvalidParameterException', `${missing[0]} is required.`);
  return 'logGroupName' in members ? withGroupName(input) : input;
}

function readMember(
  members: Readonly<Record<string, Member>>,
  name: string,
  value: unknown,
): readonly (readonly [string, unknown])[] {
  const member = Object.hasOwn(members, name) ? members[name] : undefined;
  if (member === undefined) {
    throw new AwsError('InvalidParameterException', `Kiln does not support the parameter '${name.slice(0, 80)}' here.`);
  }
  if (member.kind === 'ignored') {
    if (member.harmless(value)) return [];
    throw new AwsError(
      'InvalidParameterException',
      `Kiln does not support '${name}': ${JSON.stringify(value)?.slice(0, 80)}.`,
    );
  }
  const problem = problemOf(member, value);
  if (problem !== undefined) throw new AwsError('InvalidParameterException', `The value of '${name}' ${problem}.`);
  return [[name, value]];
}

function problemOf(member: Exclude<Member, { kind: 'ignored' }>, value: unknown): string | undefined {
  switch (member.kind) {
    case 'text':
      return typeof value === 'string' && member.pattern.test(value)
        ? undefined
        : `must be a text that matches ${member.pattern.source}`;
    case 'texts': {
      const isRight =
        Array.isArray(value) &&
        value.length > 0 &&
        value.length <= member.most &&
        value.every((item) => typeof item === 'string' && member.pattern.test(item));
      return isRight ? undefined : `must be a list of 1 to ${member.most} texts that match ${member.pattern.source}`;
    }
    case 'number':
      return typeof value === 'number' && Number.isInteger(value) && value >= member.min && value <= member.max
        ? undefined
        : `must be a whole number from ${member.min} to ${member.max}`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'must be true or false';
    case 'word':
      return member.words.some((word) => word === value) ? undefined : `must be one of ${member.words.join(', ')}`;
  }
}

function withGroupName(input: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { logGroupIdentifier, ...rest } = input;
  if ((logGroupIdentifier === undefined) === (rest['logGroupName'] === undefined)) {
    throw new AwsError(
      'InvalidParameterException',
      'Exactly one of logGroupName and logGroupIdentifier must be given.',
    );
  }
  if (logGroupIdentifier === undefined) return rest;
  const name = String(logGroupIdentifier)
    .replace(/^arn:[^/]*:log-group:/, '')
    .replace(/:\*$/, '');
  return { ...rest, logGroupName: name };
}
