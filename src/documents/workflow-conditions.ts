import { BuildFailure } from '../util/faults.ts';
import type { WorkflowValue } from './workflow.ts';
import { type Reference, type ReferenceScope, resolveReference } from './workflow-references.ts';

/**
 * `if` of workflow steps. Source: EC2 Image Builder User Guide, "Use conditional statements in your workflow steps".
 */
export type Condition =
  | { readonly kind: 'and' | 'or'; readonly children: readonly Condition[] }
  | { readonly kind: 'not'; readonly child: Condition }
  | {
      readonly kind: 'compare';
      readonly operator: ComparisonOperator;
      readonly expected: ConditionScalar;
      readonly value: ConditionScalar | Reference;
    };

export type ConditionScalar = string | number | boolean;

/** Statements below `if`: one, and up to three levels of children. */
export const MAX_CONDITION_DEPTH = 4;
export const MAX_CONDITION_CHILDREN = 10;

type OperandType = 'string' | 'boolean' | 'number';

interface Comparison {
  /** What both sides are taken as. */
  readonly type: OperandType;
  /** `value` stands on the left: `numberGreaterThan: 3` with `value: 5` asks 5 > 3. */
  readonly holds: (value: ConditionScalar, expected: ConditionScalar) => boolean;
}

export const COMPARISONS = {
  stringEquals: { type: 'string', holds: (value, expected) => value === expected },
  booleanEquals: { type: 'boolean', holds: (value, expected) => value === expected },
  numberEquals: { type: 'number', holds: (value, expected) => value === expected },
  numberGreaterThan: { type: 'number', holds: (value, expected) => value > expected },
  numberGreaterThanEquals: { type: 'number', holds: (value, expected) => value >= expected },
  numberLessThan: { type: 'number', holds: (value, expected) => value < expected },
  numberLessThanEquals: { type: 'number', holds: (value, expected) => value <= expected },
} as const satisfies Record<string, Comparison>;

export type ComparisonOperator = keyof typeof COMPARISONS;

const NUMBER_TEXT = /^-?[0-9]+(?:\.[0-9]+)?$/;

/** Whether a step runs. Children are looked at in order and no further than needed. */
export function evaluateCondition(condition: Condition, scope: ReferenceScope): boolean {
  switch (condition.kind) {
    case 'and':
      return condition.children.every((child) => evaluateCondition(child, scope));
    case 'or':
      return condition.children.some((child) => evaluateCondition(child, scope));
    case 'not':
      return !evaluateCondition(condition.child, scope);
    case 'compare':
      return compare(condition, scope);
    default:
      return condition satisfies never;
  }
}

/** The operand as the type that an operator compares, or undefined when it is none. Texts of numbers are numbers. */
export function asOperand(value: WorkflowValue, type: OperandType): ConditionScalar | undefined {
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : JSON.stringify(value);
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'number':
      if (typeof value === 'number') return value;
      return typeof value === 'string' && NUMBER_TEXT.test(value) ? Number(value) : undefined;
    default:
      return type satisfies never;
  }
}

function compare(condition: Extract<Condition, { kind: 'compare' }>, scope: ReferenceScope): boolean {
  const comparison: Comparison = COMPARISONS[condition.operator];
  const given = typeof condition.value === 'object' ? resolveReference(condition.value, scope) : condition.value;
  const value = asOperand(given, comparison.type);
  const expected = asOperand(condition.expected, comparison.type);
  if (value === undefined || expected === undefined) {
    throw new BuildFailure(
      `${condition.operator} needs a ${comparison.type}, but the value is ${JSON.stringify(given)}`,
    );
  }
  return comparison.holds(value, expected);
}
