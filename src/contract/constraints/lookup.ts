import type { OperationName } from '../operations.ts';
import { SDK_ENUMERATIONS } from '../sdk-schemas.ts';
import { COLLECTIONS, type CollectionName, collection } from './collections.ts';
import type { Constraint } from './constraint.ts';
import { REQUESTS } from './requests.ts';
import type { MemberRules, RuleName } from './rules.ts';
import { SIMPLE_TYPES, type SimpleTypeName } from './simple-types.ts';
import { STRUCTURES } from './structures.ts';

/** What must hold for a member, and for what it contains. */
export interface MemberConstraint {
  readonly self: Constraint;
  /** List elements and map values. */
  readonly inner: Constraint;
  readonly keys: Constraint;
}

const NONE: Constraint = {};
export const UNCONSTRAINED: MemberConstraint = { self: NONE, inner: NONE, keys: NONE };

/** The constraint of a member of a request (`CreateImageRequest`) or of a structure inside requests. */
export function constraintOf(structureName: string, memberName: string): MemberConstraint {
  const rule = rulesOf(structureName)[memberName];
  return rule === undefined ? UNCONSTRAINED : resolve(rule);
}

function rulesOf(structureName: string): MemberRules {
  const requests: Readonly<Record<string, MemberRules>> = REQUESTS;
  const structures: Readonly<Record<string, MemberRules>> = STRUCTURES;
  return requests[operationOfRequest(structureName) ?? ''] ?? structures[structureName] ?? {};
}

function operationOfRequest(structureName: string): OperationName | undefined {
  return structureName.endsWith('Request') ? (structureName.slice(0, -'Request'.length) as OperationName) : undefined;
}

function resolve(rule: RuleName): MemberConstraint {
  if (rule in SIMPLE_TYPES) return { ...UNCONSTRAINED, self: SIMPLE_TYPES[rule as SimpleTypeName] };
  if (rule in COLLECTIONS) {
    const { items, of, keys } = collection(rule as CollectionName);
    return {
      self: items === undefined ? NONE : { items },
      inner: of === undefined ? NONE : SIMPLE_TYPES[of],
      keys: keys === undefined ? NONE : SIMPLE_TYPES[keys],
    };
  }
  const enumeration = SDK_ENUMERATIONS[rule];
  return { ...UNCONSTRAINED, self: { enumeration: Object.values(enumeration as Readonly<Record<string, string>>) } };
}
