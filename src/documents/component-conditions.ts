import { RE2JS } from 're2js';
import type { ProblemList } from '../util/problem-list.ts';
import { suggestion, wrongType } from '../util/yaml-reader.ts';
import type { YamlMap, YamlNode } from '../util/yaml-source.ts';
import type { InputValue, StepInputs } from './component.ts';
import { hasExpression } from './component-expressions.ts';

interface Operator {
  /** What the operand is: text, a number, the name or path of a file, a digest, or conditions. */
  readonly operand: 'text' | 'number' | 'pattern' | 'file' | 'digest' | 'conditions' | 'condition';
  /** The key beside the operator that holds what is tested. */
  readonly companion?: 'value' | 'path';
}

/**
 * Operators of `if` and `Assert`. `<operator>: BASELINE` with `value: ACTUAL` tests ACTUAL against BASELINE. Source: EC2
 * Image Builder User Guide, "Use comparison operators" and "Use logical operators in AWSTOE".
 */
export const OPERATORS = {
  stringIsEmpty: { operand: 'text' },
  stringIsWhitespace: { operand: 'text' },
  stringEquals: { operand: 'text', companion: 'value' },
  stringLessThan: { operand: 'text', companion: 'value' },
  stringLessThanEquals: { operand: 'text', companion: 'value' },
  stringGreaterThan: { operand: 'text', companion: 'value' },
  stringGreaterThanEquals: { operand: 'text', companion: 'value' },
  patternMatches: { operand: 'pattern', companion: 'value' },
  numberEquals: { operand: 'number', companion: 'value' },
  numberLessThan: { operand: 'number', companion: 'value' },
  numberLessThanEquals: { operand: 'number', companion: 'value' },
  numberGreaterThan: { operand: 'number', companion: 'value' },
  numberGreaterThanEquals: { operand: 'number', companion: 'value' },
  binaryExists: { operand: 'file' },
  fileExists: { operand: 'file' },
  folderExists: { operand: 'file' },
  fileMD5Equals: { operand: 'digest', companion: 'path' },
  fileSHA1Equals: { operand: 'digest', companion: 'path' },
  fileSHA256Equals: { operand: 'digest', companion: 'path' },
  fileSHA512Equals: { operand: 'digest', companion: 'path' },
  and: { operand: 'conditions' },
  or: { operand: 'conditions' },
  not: { operand: 'condition' },
} as const satisfies Record<string, Operator>;

export type OperatorName = keyof typeof OPERATORS;

/** Levels of and, or and not within one another. */
const MAX_LOGICAL_DEPTH = 4;

/**
 * Reads one condition: exactly one operator with its companion key. `others` are keys that may stand beside it (`then`
 * and `else` of a step). The result is the condition as written, without them.
 */
export function readCondition(
  node: YamlNode,
  what: string,
  problems: ProblemList,
  others: readonly string[] = [],
  depth = 0,
): StepInputs | undefined {
  const map = node.kind === 'map' ? node : undefined;
  if (map === undefined) return wrongType(node, what, 'a map with one operator', problems);
  const operators = map.entries.filter((entry) => Object.hasOwn(OPERATORS, entry.key));
  const [entry, second] = operators;
  if (entry === undefined) {
    reportNoOperator(map, what, others, problems);
    return undefined;
  }
  if (second !== undefined) {
    problems.add(
      second.keyPosition,
      `${what} has two operators, '${entry.key}' and '${second.key}'.`,
      'join them by and or or',
    );
    return undefined;
  }
  const name = entry.key as OperatorName;
  const operator: Operator = OPERATORS[name];
  for (const { key, keyPosition } of map.entries) {
    if (key === name || key === operator.companion || others.includes(key)) continue;
    const allowed = [...(operator.companion === undefined ? [] : [operator.companion]), ...others];
    problems.add(
      keyPosition,
      `${what} with the operator '${name}' has no key '${key}'.`,
      allowed.length === 0 ? undefined : suggestion(key, allowed),
    );
  }
  const operand = readOperand(entry.value, name, operator, problems, depth);
  if (operand === undefined) return undefined;
  if (operator.companion === undefined) return { [name]: operand };
  const companionNode = map.entries.find((other) => other.key === operator.companion)?.value;
  if (companionNode === undefined) {
    problems.add(map.position, `The operator '${name}' needs the key '${operator.companion}' beside it.`);
    return undefined;
  }
  const companion = readScalar(companionNode, `'${operator.companion}' of '${name}'`, problems);
  return companion === undefined ? undefined : { [name]: operand, [operator.companion]: companion };
}

function reportNoOperator(map: YamlMap, what: string, others: readonly string[], problems: ProblemList): void {
  const names = Object.keys(OPERATORS);
  const candidate = map.entries.find(({ key }) => !['value', 'path', ...others].includes(key));
  if (candidate === undefined) problems.add(map.position, `${what} has no operator.`, `allowed: ${names.join(', ')}`);
  else problems.add(candidate.keyPosition, `'${candidate.key}' is not an operator.`, suggestion(candidate.key, names));
}

function readOperand(
  node: YamlNode,
  name: string,
  operator: Operator,
  problems: ProblemList,
  depth: number,
): InputValue | undefined {
  if (operator.operand === 'conditions' || operator.operand === 'condition') {
    return readLogical(node, name, operator.operand, problems, depth + 1);
  }
  const value = readScalar(node, `'${name}'`, problems);
  if (value === undefined) return undefined;
  const text = String(value);
  if (operator.operand === 'pattern' && !hasExpression(text)) {
    const wrong = whatIsWrongWithPattern(text);
    if (wrong !== undefined)
      problems.add(
        node.position,
        `The pattern of '${name}' is not valid: ${wrong}.`,
        'RE2 syntax, without look-around and back-references',
      );
  }
  if (operator.operand === 'number' && !hasExpression(text) && !isNumber(value)) {
    problems.add(node.position, `'${name}' must be a number, not '${text}'.`);
  }
  return value;
}

function readLogical(
  node: YamlNode,
  name: string,
  operand: 'conditions' | 'condition',
  problems: ProblemList,
  depth: number,
): InputValue | undefined {
  if (depth > MAX_LOGICAL_DEPTH) {
    problems.add(node.position, `'${name}' is nested deeper than ${MAX_LOGICAL_DEPTH} levels of and, or and not.`);
    return undefined;
  }
  if (operand === 'condition') {
    const only = node.kind === 'list' && node.items.length === 1 ? node.items[0] : node;
    return only === undefined ? undefined : readCondition(only, `The condition of '${name}'`, problems, [], depth);
  }
  if (node.kind === 'list' && node.items.length < 2) {
    const hint = node.items.length === 0 ? undefined : 'a single condition stands without it';
    problems.add(node.position, `'${name}' needs at least two conditions and has ${node.items.length}.`, hint);
    return undefined;
  }
  if (node.kind !== 'list') {
    return wrongType(node, `'${name}'`, 'a list of at least two conditions', problems);
  }
  const conditions = node.items.map((item) => readCondition(item, `A condition of '${name}'`, problems, [], depth));
  return conditions.every((condition) => condition !== undefined) ? conditions : undefined;
}

/** Numbers stay numbers, everything else is text; `key:` without a value is the empty text. */
function readScalar(node: YamlNode, what: string, problems: ProblemList): string | number | undefined {
  if (node.kind !== 'scalar') return wrongType(node, what, 'text or a number', problems);
  return typeof node.value === 'number' && !isNumber(node.text) ? node.value : node.text;
}

/** Whether a value counts as a number: a YAML number, or a string in plain decimal notation. */
export function isNumber(value: InputValue): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value === 'string' && /^[-+]?([0-9]+[.])?[0-9]+$/.test(value);
}

/** Undefined for a valid RE2 pattern, else what is wrong with it. */
export function whatIsWrongWithPattern(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
