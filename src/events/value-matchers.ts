/**
 * What a value of an event pattern may ask of a value of an event, as data: one entry per comparison operator. Source:
 * EventBridge User Guide, "Comparison operators for use in event patterns".
 */
import { parseCidr } from './cidr.ts';
import { InvalidPatternError } from './invalid-pattern.ts';
import { matchesWildcard, parseWildcard } from './wildcard.ts';

/** Given a value that is there: a text, number, boolean or null. */
export type ValueMatcher = (value: unknown) => boolean;

type ReadOperator = (operand: unknown, place: string) => ValueMatcher;

const textual =
  (matches: (text: string) => boolean): ValueMatcher =>
  (value) =>
    typeof value === 'string' && matches(value);

const OPERATORS: Readonly<Record<string, ReadOperator>> = {
  prefix: (operand, place) => affix(operand, place, 'prefix', (text, part) => text.startsWith(part)),
  suffix: (operand, place) => affix(operand, place, 'suffix', (text, part) => text.endsWith(part)),
  'equals-ignore-case': (operand, place) => {
    const wanted = textOf(operand, 'equals-ignore-case', place).toLowerCase();
    return textual((text) => text.toLowerCase() === wanted);
  },
  wildcard: (operand, place) => {
    const wildcard = parseWildcard(textOf(operand, 'wildcard', place));
    if (wildcard === undefined) {
      throw new InvalidPatternError(place, "a wildcard has no two '*' in a row, and '\\' only before '*' and '\\'.");
    }
    return textual((text) => matchesWildcard(wildcard, text));
  },
  cidr: (operand, place) => {
    const isIn = parseCidr(textOf(operand, 'cidr', place));
    if (isIn === undefined) throw new InvalidPatternError(place, `'${String(operand)}' is not a block of addresses.`);
    return textual(isIn);
  },
  numeric: readNumeric,
  'anything-but': readAnythingBut,
};

/** One operator with its operand, e.g. `{prefix: 'a'}`; `exists` is not among them. @throws InvalidPatternError */
export function readOperator(pattern: Readonly<Record<string, unknown>>, place: string): ValueMatcher {
  const [name = '', ...more] = Object.keys(pattern);
  const read = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined;
  if (read === undefined || more.length > 0) {
    const known = [...Object.keys(OPERATORS), 'exists'].join(', ');
    throw new InvalidPatternError(place, `it must have one comparison operator of ${known}.`);
  }
  return read(pattern[name], `${place}.${name}`);
}

function affix(
  operand: unknown,
  place: string,
  name: string,
  has: (text: string, part: string) => boolean,
): ValueMatcher {
  if (isRecord(operand)) {
    const [key, ...more] = Object.keys(operand);
    if (key !== 'equals-ignore-case' || more.length > 0) {
      throw new InvalidPatternError(place, "it must be a text, or {'equals-ignore-case': text}.");
    }
    const part = textOf(operand[key], key, place).toLowerCase();
    return textual((text) => has(text.toLowerCase(), part));
  }
  const part = textOf(operand, name, place);
  return textual((text) => has(text, part));
}

const COMPARISONS: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '=': (value, bound) => value === bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
};

/** Source: EventBridge User Guide: numbers from -5e9 to 5e9. */
const MOST = 5_000_000_000;

function readNumeric(operand: unknown, place: string): ValueMatcher {
  const form = "it must be like ['=', 5] or ['>', 0, '<=', 5].";
  if (!Array.isArray(operand) || (operand.length !== 2 && operand.length !== 4)) {
    throw new InvalidPatternError(place, form);
  }
  const tests = [operand.slice(0, 2), operand.slice(2)].filter((pair) => pair.length > 0);
  const checks = tests.map(([operator, bound]: unknown[]) => {
    const name = typeof operator === 'string' ? operator : '';
    const compare = Object.hasOwn(COMPARISONS, name) ? COMPARISONS[name] : undefined;
    if (compare === undefined || typeof bound !== 'number' || Math.abs(bound) > MOST) {
      throw new InvalidPatternError(place, form);
    }
    return (value: number): boolean => compare(value, bound);
  });
  return (value) => typeof value === 'number' && checks.every((check) => check(value));
}

const NEGATABLE = ['prefix', 'suffix', 'equals-ignore-case', 'wildcard'];

function readAnythingBut(operand: unknown, place: string): ValueMatcher {
  const matchers = listOf(operand).flatMap((item): ValueMatcher[] => {
    if (typeof item === 'string' || typeof item === 'number') return [(value) => value === item];
    const [name = '', ...more] = isRecord(item) ? Object.keys(item) : [];
    if (!isRecord(item) || !NEGATABLE.includes(name) || more.length > 0 || Array.isArray(operand)) {
      const also = NEGATABLE.join(', ');
      throw new InvalidPatternError(place, `it must be a text, a number, a list of those, or one of ${also}.`);
    }
    return listOf(item[name]).map((one) => readOperator({ [name]: one }, place));
  });
  if (matchers.length === 0) throw new InvalidPatternError(place, 'the list is empty.');
  return (value) => !matchers.some((matches) => matches(value));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function textOf(operand: unknown, name: string, place: string): string {
  if (typeof operand === 'string' && (operand !== '' || name === 'equals-ignore-case')) return operand;
  throw new InvalidPatternError(place, `${name} takes a text.`);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
