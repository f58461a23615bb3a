/**
 * The condition operators, as data: how a value of the request is compared with a value of the policy.
 * Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
 */
import { BlockList, isIP } from 'node:net';
import { matches, matchesArn, type Pattern, plainText, type Variables } from './pattern.ts';

export interface ConditionOperator {
  /** Whether the request's value satisfies the policy's value; the negation is not applied yet. */
  readonly test: (actual: string, expected: Pattern, variables: Variables) => boolean;
  /** All values of the policy must differ, and a key that the request does not have counts as different. */
  readonly negated: boolean;
  /** What is wrong with a value in a policy, or undefined. */
  readonly check: (expected: string) => string | undefined;
}

type Test = ConditionOperator['test'];

const anything = (): undefined => undefined;
const exact: Test = (actual, expected, variables) => plainText(expected, variables) === actual;
const exactIgnoringCase: Test = (actual, expected, variables) =>
  plainText(expected, variables)?.toLowerCase() === actual.toLowerCase();
const like: Test = (actual, expected, variables) => matches(expected, actual, variables);
const likeArn: Test = (actual, expected, variables) => matchesArn(expected, actual, variables);
const compared =
  (read: (text: string) => number, holds: (actual: number, expected: number) => boolean): Test =>
  (actual, expected, variables) =>
    holds(read(actual), read(plainText(expected, variables) ?? ''));

/** NaN for what is no number, which no comparison holds for. */
const readNumber = (text: string): number => (/^[-+]?\d+(?:\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN);
/** ISO 8601, or seconds since 1970. */
const readDate = (text: string): number => (/^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text));

const checkNumber = (text: string) => (Number.isNaN(readNumber(text)) ? 'must be a number' : undefined);
const checkDate = (text: string) =>
  Number.isNaN(readDate(text)) ? 'must be a time such as 2026-12-31T23:59:59Z' : undefined;
const checkBoolean = (text: string) => (/^(?:true|false)$/i.test(text) ? undefined : 'must be true or false');
const checkAddress = (text: string) =>
  addressBlock(text) === undefined ? 'must be an address or a range such as 10.0.0.0/8' : undefined;

const operator = (test: Test, check: ConditionOperator['check'] = anything, negated = false): ConditionOperator => ({
  test,
  check,
  negated,
});

const numbers = (holds: (actual: number, expected: number) => boolean, negated = false) =>
  operator(compared(readNumber, holds), checkNumber, negated);
const dates = (holds: (actual: number, expected: number) => boolean, negated = false) =>
  operator(compared(readDate, holds), checkDate, negated);

export const CONDITION_OPERATORS: Readonly<Record<string, ConditionOperator>> = {
  StringEquals: operator(exact),
  StringNotEquals: operator(exact, anything, true),
  StringEqualsIgnoreCase: operator(exactIgnoringCase),
  StringNotEqualsIgnoreCase: operator(exactIgnoringCase, anything, true),
  StringLike: operator(like),
  StringNotLike: operator(like, anything, true),
  NumericEquals: numbers((actual, expected) => actual === expected),
  NumericNotEquals: numbers((actual, expected) => actual === expected, true),
  NumericLessThan: numbers((actual, expected) => actual < expected),
  NumericLessThanEquals: numbers((actual, expected) => actual <= expected),
  NumericGreaterThan: numbers((actual, expected) => actual > expected),
  NumericGreaterThanEquals: numbers((actual, expected) => actual >= expected),
  DateEquals: dates((actual, expected) => actual === expected),
  DateNotEquals: dates((actual, expected) => actual === expected, true),
  DateLessThan: dates((actual, expected) => actual < expected),
  DateLessThanEquals: dates((actual, expected) => actual <= expected),
  DateGreaterThan: dates((actual, expected) => actual > expected),
  DateGreaterThanEquals: dates((actual, expected) => actual >= expected),
  Bool: operator(exactIgnoringCase, checkBoolean),
  BinaryEquals: operator(exact),
  IpAddress: operator(isInRange, checkAddress),
  NotIpAddress: operator(isInRange, checkAddress, true),
  // AWS lets both take wildcards.
  ArnEquals: operator(likeArn),
  ArnLike: operator(likeArn),
  ArnNotEquals: operator(likeArn, anything, true),
  ArnNotLike: operator(likeArn, anything, true),
};

function isInRange(actual: string, expected: Pattern, variables: Variables): boolean {
  const family = isIP(actual);
  const block = addressBlock(plainText(expected, variables) ?? '');
  return family !== 0 && block?.check(actual, family === 4 ? 'ipv4' : 'ipv6') === true;
}

function addressBlock(text: string): BlockList | undefined {
  const [address = '', prefix, ...more] = text.split('/');
  const family = isIP(address);
  const width = family === 4 ? 32 : 128;
  const bits = prefix === undefined ? width : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (family === 0 || more.length > 0 || !(bits <= width)) return undefined;
  const block = new BlockList();
  block.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6');
  return block;
}
