import type { SourcePosition } from '../util/problem.ts';
import type { ProblemList } from '../util/problem-list.ts';
import { suggestion } from '../util/yaml-reader.ts';
import type { YamlMap, YamlNode } from '../util/yaml-source.ts';
import { evaluate } from './evaluate.ts';
import { findCall } from './function-call.ts';
import { requireConstant } from './functions/constant.ts';
import type { Scope } from './scope.ts';
import type { Value } from './values.ts';

type ConditionFunction = (argument: YamlNode, scope: Scope, rules: Rules) => boolean | undefined;
/** Whether the functions of rules may be used too. */
type Rules = 'rules' | 'conditions';

/** Source: AWS CloudFormation User Guide, "Condition functions". */
const CONDITION_FUNCTIONS: Readonly<Record<string, ConditionFunction>> = {
  Condition: (argument, scope) => {
    if (argument.kind === 'scalar') return scope.holds(argument.text, argument.position);
    return refuse(argument, 'Condition takes the name of a condition.', scope);
  },
  'Fn::And': (argument, scope, rules) => combine(argument, 'Fn::And', scope, rules)?.every(Boolean),
  'Fn::Or': (argument, scope, rules) => combine(argument, 'Fn::Or', scope, rules)?.some(Boolean),
  'Fn::Not': (argument, scope, rules) => {
    const [node, ...rest] = argument.kind === 'list' ? argument.items : [];
    if (node === undefined || rest.length > 0) return refuse(argument, 'Fn::Not takes a list of one condition.', scope);
    const holds = evaluateCondition(node, scope, rules);
    return holds === undefined ? undefined : !holds;
  },
  'Fn::Equals': (argument, scope) => {
    const pair = operands(argument, 'Fn::Equals takes a list of two values.', scope);
    if (pair === undefined) return undefined;
    const [left, right] = pair.map((node) => plain(node, scope));
    return left === undefined || right === undefined ? undefined : JSON.stringify(left) === JSON.stringify(right);
  },
};

/** Source: AWS CloudFormation User Guide, "Rule-specific intrinsic functions". */
const RULE_FUNCTIONS: Readonly<Record<string, ConditionFunction>> = {
  'Fn::Contains': (argument, scope) => {
    const lists = listAnd(argument, 'Fn::Contains takes a list of values and a value.', scope);
    return lists === undefined ? undefined : lists[0].includes(lists[1][0] ?? '');
  },
  'Fn::EachMemberEquals': (argument, scope) => {
    const lists = listAnd(argument, 'Fn::EachMemberEquals takes a list of values and a value.', scope);
    return lists === undefined ? undefined : lists[0].every((item) => item === lists[1][0]);
  },
  'Fn::EachMemberIn': (argument, scope) => {
    const lists = listAnd(argument, 'Fn::EachMemberIn takes two lists of values.', scope);
    return lists === undefined ? undefined : lists[0].every((item) => lists[1].includes(item));
  },
};

/** Whether an expression of conditions holds; what is wrong with it becomes a problem. */
export function evaluateCondition(node: YamlNode, scope: Scope, rules: Rules = 'conditions'): boolean | undefined {
  const call = findCall(node, scope.problems, 'conditions');
  if (call === 'refused') return undefined;
  const known = rules === 'rules' ? { ...CONDITION_FUNCTIONS, ...RULE_FUNCTIONS } : CONDITION_FUNCTIONS;
  if (call !== undefined && Object.hasOwn(known, call.name)) return known[call.name]?.(call.argument, scope, rules);
  const names = Object.keys(known);
  if (call === undefined) {
    return refuse(node, 'A condition is one of the functions of conditions.', scope, names.join(', '));
  }
  scope.problems.add(call.position, `${call.written} is no condition.`, suggestion(call.name, names));
  return undefined;
}

/**
 * Answers whether conditions hold, each worked out when it is first asked for: they may name each other in any order.
 */
export function createConditions(
  section: YamlMap,
  scope: Omit<Scope, 'holds'>,
  problems: ProblemList,
): (name: string, position: SourcePosition) => boolean | undefined {
  const nodes = new Map(section.entries.map(({ key, value }) => [key, value]));
  const results = new Map<string, boolean | undefined>();
  const asked: string[] = [];
  const holds = (name: string, position: SourcePosition): boolean | undefined => {
    if (results.has(name)) return results.get(name);
    const node = nodes.get(name);
    if (node === undefined) {
      problems.add(position, `There is no condition '${name}'.`, suggestion(name, [...nodes.keys()]));
      return undefined;
    }
    if (asked.includes(name)) {
      const circle = [...asked.slice(asked.indexOf(name)), name].join(' -> ');
      problems.add(position, `Conditions depend on each other: ${circle}.`);
      return undefined;
    }
    asked.push(name);
    // Nothing is there yet when conditions are worked out.
    const result = evaluateCondition(node, { ...scope, resources: new Map(), holds });
    asked.pop();
    results.set(name, result);
    return result;
  };
  return holds;
}

function combine(argument: YamlNode, name: string, scope: Scope, rules: Rules): readonly boolean[] | undefined {
  const nodes = argument.kind === 'list' ? argument.items : [];
  if (nodes.length < 2 || nodes.length > 10) {
    return refuse(argument, `${name} takes a list of 2 to 10 conditions.`, scope);
  }
  const results = nodes.map((node) => evaluateCondition(node, scope, rules));
  return results.every((result) => result !== undefined) ? results : undefined;
}

function listAnd(
  argument: YamlNode,
  expected: string,
  scope: Scope,
): readonly [readonly string[], readonly string[]] | undefined {
  const nodes = operands(argument, expected, scope);
  if (nodes === undefined) return undefined;
  const [first, second] = nodes.map((node) => plain(node, scope));
  if (first === undefined || second === undefined) return undefined;
  return [[first].flat(), [second].flat()];
}

function operands(argument: YamlNode, expected: string, scope: Scope): readonly [YamlNode, YamlNode] | undefined {
  const [left, right, ...rest] = argument.kind === 'list' ? argument.items : [];
  if (left !== undefined && right !== undefined && rest.length === 0) return [left, right];
  return refuse(argument, expected, scope);
}

/** A text, or a list of texts. */
function plain(node: YamlNode, scope: Scope): string | readonly string[] | undefined {
  const value = evaluate(node, scope);
  if (value === undefined) return undefined;
  const text = (item: Value): string | undefined => requireConstant(item, node, 'what is compared', scope);
  if (value.kind !== 'list') return text(value);
  const texts = value.items.map(text);
  return texts.every((item) => item !== undefined) ? texts : undefined;
}

function refuse(node: YamlNode, message: string, { problems }: Scope, hint?: string): undefined {
  problems.add(node.position, message, hint);
}
