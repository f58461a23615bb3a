import type { SourcePosition } from '../../util/problem.ts';
import { suggestion } from '../../util/yaml-reader.ts';
import type { KnownResource, Scope } from '../scope.ts';
import { textValue, type Value } from '../values.ts';

/** What `Ref` of a name gives: a pseudo parameter, a parameter, or a resource. */
export function resolveName(name: string, scope: Scope, position: SourcePosition): Value | undefined {
  if (name === 'AWS::NoValue') return { kind: 'absent', position };
  const known = scope.pseudoParameters.get(name) ?? scope.parameters.get(name);
  if (known !== undefined) return { ...known, position };
  const resource = scope.resources.get(name);
  if (resource !== undefined) return resolveRef(name, resource, scope, position);
  const names = [...scope.parameters.keys(), ...scope.resources.keys(), ...scope.pseudoParameters.keys()];
  scope.problems.add(position, `There is no parameter or resource '${name}'.`, suggestion(name, names));
  return undefined;
}

function resolveRef(
  logicalId: string,
  resource: KnownResource,
  scope: Scope,
  position: SourcePosition,
): Value | undefined {
  if (resource.ref === undefined) {
    scope.problems.add(position, `The resource '${logicalId}' has nothing to refer to.`);
    return undefined;
  }
  return attributeValue(logicalId, resource, resource.ref, scope, position);
}

/** What `Fn::GetAtt` gives. */
export function resolveAttribute(
  logicalId: string,
  attribute: string,
  scope: Scope,
  position: SourcePosition,
): Value | undefined {
  const resource = scope.resources.get(logicalId);
  if (resource === undefined) {
    const hint = suggestion(logicalId, [...scope.resources.keys()]);
    scope.problems.add(position, `There is no resource '${logicalId}'.`, hint);
    return undefined;
  }
  if (!resource.attributes.includes(attribute)) {
    const hint = resource.attributes.length === 0 ? 'it has none' : suggestion(attribute, resource.attributes);
    scope.problems.add(position, `The resource '${logicalId}' has no attribute '${attribute}'.`, hint);
    return undefined;
  }
  return attributeValue(logicalId, resource, attribute, scope, position);
}

function attributeValue(
  logicalId: string,
  resource: KnownResource,
  attribute: string,
  scope: Scope,
  position: SourcePosition,
): Value | undefined {
  if (scope.absent.has(logicalId)) {
    const hint = 'choose with Fn::If, or give this resource the same condition';
    scope.problems.add(
      position,
      `The condition of the resource '${logicalId}' does not hold, so it is not there.`,
      hint,
    );
    return undefined;
  }
  return textValue(position, resource.text === undefined ? { logicalId, attribute } : resource.text(attribute));
}
