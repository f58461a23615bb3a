/**
 * Turns a request into the input of its operation: types and constraints are checked in one walk over the shape, and
 * everything that is wrong is told in one answer. Members that nobody knows are refused by name, because a misspelt or
 * too new member that is silently dropped changes what the caller asked for (docs/decisions/011).
 */
import { didYouMean } from '../util/problem.ts';
import { checkItems, checkNumber, checkString } from './check.ts';
import { AwsError } from './errors.ts';
import type { ListShape, MapShape, Member, OperationModel, Shape, StructureShape } from './model.types.ts';

/** The parts of a request that carry members. */
export interface RequestParts {
  /** Labels of the path, percent-decoded. */
  readonly labels: Readonly<Record<string, string>>;
  /** Without what belongs to the signature. */
  readonly query: URLSearchParams;
  /** The parsed JSON body; undefined when there was none. */
  readonly body: unknown;
}

/**
 * The validated input: timestamps as `Date`, absent and `null` members left out.
 * Throws InvalidParameterValueException (InvalidParameterException on tag operations) when values are not allowed, and
 * InvalidRequestException when a member is unknown or has the wrong type; the message has one line for each problem.
 *
 * @param check tells what else is wrong with a request that is refused, so that one answer has all of it
 */
export function decodeInput(
  operation: OperationModel,
  parts: RequestParts,
  check: (input: object) => readonly AwsError[] = () => [],
): Record<string, unknown> {
  const problems: Problems = { list: [], members: new Set(), malformed: new Set() };
  const raw = collectMembers(operation, parts, problems);
  const input = decodeMembers(operation.input, raw, '', problems);
  if (problems.list.length === 0) return input;
  // What is wrong with a member says nothing about the members that it should go with.
  const further = check(input).filter(({ members }) => !members.some((path) => isReported(problems, path)));
  problems.list.push(...further.flatMap(({ message }) => message.split('\n')));
  throw refusal(operation, problems);
}

interface Problems {
  readonly list: string[];
  /** The paths of the members that they are about, and of those that seem to be meant by misspelt ones. */
  readonly members: Set<string>;
  /** The paths of the structures that have members which nobody knows or which have the wrong type. */
  readonly malformed: Set<string>;
}

/** Whether something is wrong with the member or with one that it is in, or with the form of what it holds. */
function isReported({ members, malformed }: Problems, path: string): boolean {
  const ends = [...path.matchAll(/[.[]|$/g)].map(({ index }) => index);
  return malformed.has(path) || ends.some((end) => members.has(path.slice(0, end)));
}

const MAX_PROBLEMS_TOLD = 20;
/** Paths carry names that the caller chose; this is as much of one as a message repeats. */
const MAX_NAME_TOLD = 80;

function refusal(operation: OperationModel, { list, malformed }: Problems): AwsError {
  const told = list.slice(0, MAX_PROBLEMS_TOLD);
  if (list.length > told.length) told.push(`There are ${list.length - told.length} more problems.`);
  return new AwsError(malformed.size > 0 ? 'InvalidRequestException' : valueError(operation), told.join('\n'));
}

/** Tag operations model only their own, older error. */
function valueError(operation: OperationModel): 'InvalidParameterException' | 'InvalidParameterValueException' {
  return operation.path.startsWith('/tags/') ? 'InvalidParameterException' : 'InvalidParameterValueException';
}

function report(problems: Problems, path: string, reasons: readonly string[]): void {
  const member = path.slice(path.lastIndexOf('.') + 1);
  for (const reason of reasons) {
    problems.list.push(`The value supplied for parameter '${path}' is not valid. ${member} ${reason}`);
  }
}

/** The value; undefined when there are reasons against it. */
function unlessWrong<Value>(
  problems: Problems,
  path: string,
  value: Value,
  reasons: readonly string[],
): Value | undefined {
  if (reasons.length === 0) return value;
  problems.members.add(path);
  report(problems, path, reasons);
  return undefined;
}

function reportMalformed(problems: Problems, path: string, reason: string): void {
  problems.malformed.add(path.slice(0, Math.max(0, path.lastIndexOf('.'))));
  problems.members.add(path);
  problems.list.push(`The value supplied for parameter '${path}' is not valid. ${reason}`);
}

function collectMembers(
  operation: OperationModel,
  { labels, query, body }: RequestParts,
  problems: Problems,
): Map<string, unknown> {
  const { members } = operation.input;
  const raw = new Map<string, unknown>();
  for (const [name, value] of bodyEntries(body)) {
    if (members.get(name)?.location === 'body') raw.set(name, value);
    else reportUnknown(problems, operation.input, '', name, 'body', operation.name);
  }
  for (const name of new Set(query.keys())) {
    const member = members.get(name);
    const values = query.getAll(name);
    if (member?.location !== 'query') reportUnknown(problems, operation.input, '', name, 'query', operation.name);
    else if (member.shape.kind === 'list') raw.set(name, values);
    else if (values.length > 1) reportMalformed(problems, name, `${name} is given ${values.length} times.`);
    else raw.set(name, values[0]);
  }
  for (const [name, value] of Object.entries(labels)) raw.set(name, value);
  return raw;
}

function bodyEntries(body: unknown): [string, unknown][] {
  if (body === undefined) return [];
  if (!isObject(body)) throw new AwsError('InvalidRequestException', 'The request body must be a JSON object.');
  return Object.entries(body);
}

function reportUnknown(
  problems: Problems,
  shape: StructureShape,
  path: string,
  name: string,
  location: Member['location'],
  owner: string,
): void {
  const known = shape.members.get(name);
  const shortName = name.slice(0, MAX_NAME_TOLD);
  if (known !== undefined) {
    const reason = `${shortName} belongs in the request's ${known.location}, not in its ${location}.`;
    reportMalformed(problems, path + shortName, reason);
    return;
  }
  // Only for problems that are told: a body can hold very many names.
  const told = problems.list.length < MAX_PROBLEMS_TOLD;
  const near = told ? didYouMean(shortName, shape.members.keys()) : undefined;
  const hint = near === undefined ? '' : ` Did you mean '${near}'?`;
  if (near !== undefined) problems.members.add(path + near);
  reportMalformed(problems, path + shortName, `${owner} has no parameter of this name.${hint}`);
}

function decodeMembers(
  shape: StructureShape,
  raw: ReadonlyMap<string, unknown>,
  prefix: string,
  problems: Problems,
): Record<string, unknown> {
  const decoded: Record<string, unknown> = {};
  for (const member of shape.members.values()) {
    const value = raw.get(member.name);
    if (value !== undefined && value !== null) {
      const good = decode(member.shape, value, prefix + member.name, problems);
      if (good !== undefined) decoded[member.name] = good;
    } else if (member.required) {
      unlessWrong(problems, prefix + member.name, value, ['is required.']);
    }
  }
  return decoded;
}

function decode(shape: Shape, value: unknown, path: string, problems: Problems): unknown {
  switch (shape.kind) {
    case 'string':
      if (typeof value !== 'string') return reportType(problems, path, 'a string');
      return unlessWrong(problems, path, value, checkString(value, shape));
    case 'number':
      if (typeof value !== 'number') return reportType(problems, path, 'a number');
      return unlessWrong(problems, path, value, checkNumber(value, shape));
    case 'boolean':
      return typeof value === 'boolean' ? value : reportType(problems, path, 'true or false');
    case 'timestamp':
      return decodeTimestamp(value) ?? reportType(problems, path, 'a time in seconds since 1970 (a JSON number)');
    case 'list':
      return Array.isArray(value) ? decodeList(shape, value, path, problems) : reportType(problems, path, 'a list');
    case 'map':
      return isObject(value) ? decodeMap(shape, value, path, problems) : reportType(problems, path, 'a map');
    case 'structure':
      return isObject(value)
        ? decodeStructure(shape, value, path, problems)
        : reportType(problems, path, 'a structure (a JSON object)');
  }
}

function reportType(problems: Problems, path: string, expected: string): undefined {
  reportMalformed(problems, path, `${path.slice(path.lastIndexOf('.') + 1)} must be ${expected}.`);
  return undefined;
}

function decodeTimestamp(value: unknown): Date | undefined {
  if (typeof value !== 'number') return undefined;
  const date = new Date(Math.round(value * 1_000));
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function decodeList(shape: ListShape, values: readonly unknown[], path: string, problems: Problems): unknown[] {
  report(problems, path, checkItems(values.length, shape.items));
  return values.map((value, index) => decode(shape.element, value, `${path}[${index}]`, problems));
}

function decodeMap(shape: MapShape, entries: object, path: string, problems: Problems): Record<string, unknown> {
  const pairs = Object.entries(entries);
  report(problems, path, checkItems(pairs.length, shape.items));
  return Object.fromEntries(
    pairs.map(([key, value]) => {
      const entryPath = `${path}.${key.slice(0, MAX_NAME_TOLD)}`;
      report(
        problems,
        path,
        checkString(key, shape.key).map((reason) => `key '${key.slice(0, MAX_NAME_TOLD)}' ${reason}`),
      );
      return [key, decode(shape.value, value, entryPath, problems)];
    }),
  );
}

function decodeStructure(shape: StructureShape, value: object, path: string, problems: Problems): unknown {
  const entries = Object.entries(value);
  for (const [name] of entries) {
    if (!shape.members.has(name)) reportUnknown(problems, shape, `${path}.`, name, 'body', shape.name);
  }
  return decodeMembers(shape, new Map(entries), `${path}.`, problems);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
