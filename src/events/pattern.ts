/** Event patterns: which events a rule is about. Source: EventBridge User Guide, "Creating event patterns". */
import { InvalidPatternError } from './invalid-pattern.ts';
import { isRecord, readOperator, type ValueMatcher } from './value-matchers.ts';

/** Whether an event is one that the pattern means. Never throws. */
export type EventPattern = (event: Readonly<Record<string, unknown>>) => boolean;

/** What may come at a key of an event; undefined: nothing is there. */
type Condition = (value: unknown) => boolean;

/** Source: EventBridge quotas; the depth is a bound of Kiln's own. */
const LONGEST = 4_096;
const DEEPEST = 20;

/** @throws InvalidPatternError that says where and what is allowed */
export function parsePattern(pattern: unknown): EventPattern {
  const length = JSON.stringify(pattern)?.length ?? 0;
  if (length > LONGEST) throw new InvalidPatternError('', `it has ${length} characters; ${LONGEST} are allowed.`);
  return readObject(pattern, '', 0);
}

function readObject(pattern: unknown, place: string, depth: number): Condition {
  if (!isRecord(pattern) || Object.keys(pattern).length === 0) {
    throw new InvalidPatternError(place, 'it must be an object with at least one key.');
  }
  if (depth > DEEPEST) throw new InvalidPatternError(place, `it is deeper than ${DEEPEST} levels.`);
  const conditions = Object.entries(pattern).map(([key, wanted]): Condition => {
    const inner = place === '' ? key : `${place}.${key}`;
    if (key === '$or' && Array.isArray(wanted)) return readOr(wanted, inner, depth);
    const condition = Array.isArray(wanted) ? readValues(wanted, inner) : readObject(wanted, inner, depth + 1);
    return (value) => condition(memberOf(value, key));
  });
  // Of a list of objects, one must be all that is asked for.
  return (value) => listOf(value).some((one) => conditions.every((condition) => condition(one)));
}

function readOr(alternatives: readonly unknown[], place: string, depth: number): Condition {
  if (alternatives.length < 2) throw new InvalidPatternError(place, 'it must be a list of at least two objects.');
  const conditions = alternatives.map((one, index) => readObject(one, `${place}[${index}]`, depth + 1));
  return (value) => conditions.some((condition) => condition(value));
}

function readValues(wanted: readonly unknown[], place: string): Condition {
  if (wanted.length === 0) throw new InvalidPatternError(place, 'the list is empty.');
  const conditions = wanted.map((one, index) => readValue(one, `${place}[${index}]`));
  return (value) => conditions.some((condition) => condition(value));
}

function readValue(wanted: unknown, place: string): Condition {
  if (isRecord(wanted) && Object.hasOwn(wanted, 'exists')) {
    const { exists } = wanted;
    if (typeof exists !== 'boolean' || Object.keys(wanted).length > 1) {
      throw new InvalidPatternError(place, 'exists is true or false, and stands alone.');
    }
    return (value) => exists === isLeaf(value);
  }
  if (Array.isArray(wanted)) throw new InvalidPatternError(place, 'a list cannot be in a list.');
  const matches: ValueMatcher = isRecord(wanted) ? readOperator(wanted, place) : (value) => value === wanted;
  return (value) => listOf(value).some((one) => isLeaf(one) && matches(one));
}

/** Whether a value is there that is no object; an empty list has none. */
function isLeaf(value: unknown): boolean {
  return listOf(value).some((one) => one !== undefined && !isRecord(one));
}

function memberOf(value: unknown, key: string): unknown {
  return isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
