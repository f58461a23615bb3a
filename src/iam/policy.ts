import type { ConditionOperator } from './condition-operators.ts';
import type { Pattern } from './pattern.ts';

/** A policy document, parsed and checked; parse-policy.ts makes it. */
export interface Policy {
  readonly statements: readonly Statement[];
}

export interface Statement {
  readonly sid: string | undefined;
  readonly effect: 'Allow' | 'Deny';
  /** Undefined in policies of principals, which speak for whoever has them. */
  readonly principals: Selection | undefined;
  readonly actions: Selection;
  readonly resources: Selection;
  /** All must hold. */
  readonly conditions: readonly Condition[];
}

/** `Action: [...]`, or `NotAction: [...]` when it is inverted. */
export interface Selection {
  readonly inverted: boolean;
  readonly patterns: readonly Pattern[];
}

export interface Condition {
  /** In lower case. */
  readonly key: string;
  /** Undefined is the operator `Null`. */
  readonly operator: ConditionOperator | undefined;
  /** For keys with several values: must every one of the request's values fit, or one of them? */
  readonly set: 'all' | 'any' | undefined;
  /** A key that the request does not have counts as fitting. */
  readonly ifExists: boolean;
  readonly values: readonly Pattern[];
}
