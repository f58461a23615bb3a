import type { ProblemList } from '../util/problem-list.ts';
import { checkKeys, field, readMap, suggestion, wrongType } from '../util/yaml-reader.ts';
import type { YamlMap, YamlNode } from '../util/yaml-source.ts';
import {
  asOperand,
  COMPARISONS,
  type ComparisonOperator,
  type Condition,
  type ConditionScalar,
  MAX_CONDITION_CHILDREN,
  MAX_CONDITION_DEPTH,
} from './workflow-conditions.ts';
import { checkReference, type KnownNames } from './workflow-names.ts';
import { looksLikeReference, type Reference } from './workflow-references.ts';

const OPERATORS = Object.keys(COMPARISONS) as readonly ComparisonOperator[];
const STATEMENTS: readonly string[] = ['and', 'or', 'not', ...OPERATORS];

/** Reads the statement below `if`; undefined when it has problems. */
export function parseCondition(
  node: YamlNode,
  names: KnownNames,
  problems: ProblemList,
  depth = 1,
): Condition | undefined {
  // Published documents also write the one statement as a list of one.
  const statement = node.kind === 'list' && node.items.length === 1 ? node.items[0] : node;
  const map = statement === undefined ? undefined : readMap(statement, 'a condition', problems);
  if (map === undefined) return undefined;
  if (depth > MAX_CONDITION_DEPTH) {
    problems.add(map.position, `Conditions are nested deeper than ${MAX_CONDITION_DEPTH} levels.`);
    return undefined;
  }
  const found = map.entries.filter((entry) => STATEMENTS.includes(entry.key));
  const [statementEntry, second] = found;
  if (statementEntry === undefined || second !== undefined) {
    const unknown = map.entries.find((entry) => entry.key !== 'value' && !STATEMENTS.includes(entry.key));
    if (second !== undefined) {
      problems.add(
        second.keyPosition,
        `A condition has one statement, here are two: '${found[0]?.key}', '${second.key}'.`,
      );
    } else if (unknown !== undefined) {
      problems.add(unknown.keyPosition, `'${unknown.key}' is not a condition.`, suggestion(unknown.key, STATEMENTS));
    } else {
      problems.add(map.position, 'A condition is missing here.', `allowed: ${STATEMENTS.join(', ')}`);
    }
    return undefined;
  }
  const { key, value } = statementEntry;
  if (key === 'and' || key === 'or') {
    checkKeys(map, `'${key}'`, { required: [key], optional: [] }, problems);
    return parseBranch(key, value, names, problems, depth);
  }
  if (key === 'not') {
    checkKeys(map, `'not'`, { required: ['not'], optional: [] }, problems);
    const child = parseCondition(value, names, problems, depth + 1);
    return child === undefined ? undefined : { kind: 'not', child };
  }
  return parseComparison(key as ComparisonOperator, map, value, names, problems);
}

function parseBranch(
  kind: 'and' | 'or',
  node: YamlNode,
  names: KnownNames,
  problems: ProblemList,
  depth: number,
): Condition | undefined {
  if (node.kind !== 'list' || node.items.length === 0 || node.items.length > MAX_CONDITION_CHILDREN) {
    return wrongType(node, `'${kind}'`, `a list of 1 to ${MAX_CONDITION_CHILDREN} conditions`, problems);
  }
  const children = node.items.map((item) => parseCondition(item, names, problems, depth + 1));
  const whole = children.filter((child) => child !== undefined);
  return whole.length === children.length ? { kind, children: whole } : undefined;
}

function parseComparison(
  operator: ComparisonOperator,
  map: YamlMap,
  expectedNode: YamlNode,
  names: KnownNames,
  problems: ProblemList,
): Condition | undefined {
  checkKeys(map, `'${operator}'`, { required: [operator, 'value'], optional: [] }, problems);
  const valueNode = field(map, 'value');
  const expected = readOperand(expectedNode, operator, operator, problems);
  if (valueNode === undefined) return undefined;
  const text = valueNode.kind === 'scalar' ? valueNode.text : '';
  const value: ConditionScalar | Reference | undefined = looksLikeReference(text)
    ? checkReference(text, valueNode.position, names, problems)
    : readOperand(valueNode, 'value', operator, problems);
  return expected === undefined || value === undefined ? undefined : { kind: 'compare', operator, expected, value };
}

function readOperand(
  node: YamlNode,
  what: string,
  operator: ComparisonOperator,
  problems: ProblemList,
): ConditionScalar | undefined {
  const { type } = COMPARISONS[operator];
  // Text comparisons see what was written: `1.0` is not `1`.
  const written =
    node.kind !== 'scalar' || node.value === null ? undefined : type === 'string' ? node.text : node.value;
  const operand = written === undefined ? undefined : asOperand(written, type);
  if (operand === undefined) return wrongType(node, `'${what}'`, `a ${type}`, problems);
  return operand;
}
