import { createHash } from 'node:crypto';
import { ProblemList } from '../util/problem-list.ts';
import { evaluate } from './evaluate.ts';
import { evaluateConstant } from './functions/constant.ts';
import { NAMED_TYPES, type NamedType, type NamedTypeName, type NamePlace } from './named-types.ts';
import type { ResourceDeclaration } from './read-resources.ts';
import type { KnownResource, Scope } from './scope.ts';

/** A resource of another service, which is nothing but its name here. */
export interface NamedResource {
  readonly logicalId: string;
  readonly type: NamedTypeName;
  readonly name: string;
}

/** What a template can ask of such a resource. The scope is asked for late, because it holds this resource too. */
export function namedResource(
  declaration: ResourceDeclaration & { readonly type: NamedTypeName },
  place: NamePlace,
  scope: () => Scope,
): KnownResource {
  const type: NamedType = NAMED_TYPES[declaration.type];
  let name: string | undefined;
  const nameOf = (): string => {
    // A name that is made of itself would be asked for without end.
    if (name === undefined) {
      name = '';
      name = propertyOf(declaration, type.nameProperty, scope()) ?? generatedName(declaration.logicalId, place);
    }
    return name;
  };
  const arnOf = (): string => {
    const path = propertyOf(declaration, 'Path', scope()) ?? '/';
    return type.arn?.(nameOf(), place, path) ?? '';
  };
  return {
    ref: type.ref,
    attributes: type.attributes,
    text: (attribute) => (attribute === 'Name' ? nameOf() : arnOf()),
  };
}

function propertyOf({ properties }: ResourceDeclaration, name: string, scope: Scope): string | undefined {
  const node = properties?.kind === 'map' ? properties.entries.find(({ key }) => key === name)?.value : undefined;
  // What is wrong with it is found when the resource's own properties are evaluated.
  const own = { ...scope, problems: new ProblemList('') };
  return node === undefined ? undefined : evaluateConstant(node, name, own, evaluate);
}

/** As CloudFormation makes them, `STACK-LOGICALID-SUFFIX`, but always the same for the same resource. */
export function generatedName(logicalId: string, { stackName, accountId }: NamePlace): string {
  const digest = createHash('sha256').update(`${accountId} ${stackName} ${logicalId}`).digest('hex');
  const suffix = digest.slice(0, 12).toUpperCase();
  // Names of roles have at most 64 characters.
  return `${stackName.slice(0, 24)}-${logicalId.slice(0, 24)}-${suffix}`;
}
