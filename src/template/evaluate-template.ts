import { createHash } from 'node:crypto';
import type { SourcePosition } from '../util/problem.ts';
import type { ProblemList } from '../util/problem-list.ts';
import { createConditions } from './conditions.ts';
import { evaluate } from './evaluate.ts';
import { type NamedResource, namedResource } from './named-resources.ts';
import { isNamedType } from './named-types.ts';
import { type FindStoredParameter, type GivenParameters, resolveParameters } from './parameters.ts';
import type { ResourceDeclaration } from './read-resources.ts';
import type { Template } from './read-template.ts';
import { RESOURCE_TYPES, type ResourceTypeName } from './resource-types.ts';
import { checkRules } from './rules.ts';
import type { KnownResource, Scope } from './scope.ts';
import type { PlannedOutput } from './template-plan.ts';
import { type AttributeReference, type MapValue, referencesOf, textValue, type Value } from './values.ts';

export interface EvaluationOptions {
  readonly parameters: GivenParameters;
  /** For parameters of the types `AWS::SSM::Parameter::Value<…>`. */
  readonly findStoredParameter: FindStoredParameter;
  /** `AWS::StackName`. */
  readonly stackName: string;
  readonly partition: string;
  readonly region: string;
  readonly accountId: string;
}

/** A template whose functions are evaluated and whose conditions are decided. */
export interface EvaluatedTemplate {
  /** By logical id, in the order of the source. Those whose condition does not hold are not among them. */
  readonly resources: ReadonlyMap<string, EvaluatedResource>;
  readonly names: readonly NamedResource[];
  readonly outputs: readonly PlannedOutput[];
}

export interface EvaluatedResource {
  readonly declaration: ResourceDeclaration & { readonly type: ResourceTypeName };
  readonly properties: MapValue;
  readonly references: readonly AttributeReference[];
}

const NO_PLACE: SourcePosition = { line: 1, column: 1 };

/** Decides parameters, rules and conditions and evaluates everything else under them. */
export async function evaluateTemplate(
  template: Template,
  options: EvaluationOptions,
  problems: ProblemList,
): Promise<EvaluatedTemplate> {
  const { parameters, findStoredParameter } = options;
  const base = {
    parameters: await resolveParameters(template.parameters, parameters, findStoredParameter, problems),
    pseudoParameters: new Map<string, Value>(
      Object.entries(pseudoParameters(options)).map(([name, text]) => [name, textValue(NO_PLACE, text)]),
    ).set('AWS::NotificationARNs', { kind: 'list', position: NO_PLACE, items: [] }),
    mappings: template.mappings,
    resources: new Map<string, KnownResource>(),
    absent: new Set<string>(),
    problems,
  };
  const holds = createConditions(template.conditions, base, problems);
  for (const { key, keyPosition } of template.conditions.entries) holds(key, keyPosition);
  const scope: Scope = { ...base, holds };
  checkRules(template.rules, scope);
  for (const declaration of template.resources.values()) {
    const { logicalId, condition } = declaration;
    if (condition !== undefined && holds(condition.name, condition.position) === false) base.absent.add(logicalId);
    base.resources.set(
      logicalId,
      knownResource(declaration, options, () => scope),
    );
  }
  return {
    ...evaluateResources(template, scope),
    outputs: evaluateOutputs(template, scope),
  };
}

/** Source: AWS CloudFormation User Guide, "Pseudo parameters reference". */
export function pseudoParameters({
  partition,
  region,
  accountId,
  stackName,
}: Omit<EvaluationOptions, 'parameters' | 'findStoredParameter'>): Readonly<Record<string, string>> {
  // Kiln keeps no stacks; the id of one is always the same, as long as its name is.
  const digest = createHash('sha256').update(`${accountId} ${region} ${stackName}`).digest('hex');
  const uuid = /^(.{8})(.{4})(.{4})(.{4})(.{12})/.exec(digest)?.slice(1).join('-');
  return {
    'AWS::AccountId': accountId,
    'AWS::Partition': partition,
    'AWS::Region': region,
    'AWS::StackId': `arn:${partition}:cloudformation:${region}:${accountId}:stack/${stackName}/${uuid}`,
    'AWS::StackName': stackName,
    'AWS::URLSuffix': 'amazonaws.com',
  };
}

function knownResource(declaration: ResourceDeclaration, place: EvaluationOptions, scope: () => Scope): KnownResource {
  const { type } = declaration;
  if (isNamedType(type)) return namedResource({ ...declaration, type }, place, scope);
  return { ref: 'Arn', attributes: RESOURCE_TYPES[type].attributes };
}

function evaluateResources(template: Template, scope: Scope): Pick<EvaluatedTemplate, 'resources' | 'names'> {
  const resources = new Map<string, EvaluatedResource>();
  const names: NamedResource[] = [];
  for (const declaration of template.resources.values()) {
    const { logicalId, type, position, properties } = declaration;
    const isAbsent = scope.absent.has(logicalId);
    const empty: MapValue = { kind: 'map', position, entries: [] };
    // What is not there may name what is not there.
    const own = isAbsent ? { ...scope, absent: new Set<string>() } : scope;
    const value = properties === undefined ? empty : evaluate(properties, own);
    if (value === undefined) continue;
    if (value.kind !== 'map') {
      scope.problems.add(value.position, `Properties of the resource '${logicalId}' must be a map.`);
    } else if (isNamedType(type)) {
      const name = scope.resources.get(logicalId)?.text?.('Name');
      if (!isAbsent && name !== undefined) names.push({ logicalId, type, name });
    } else if (!isAbsent) {
      const references = referencesOf(value);
      resources.set(logicalId, { declaration: { ...declaration, type }, properties: value, references });
    }
  }
  return { resources, names };
}

function evaluateOutputs(template: Template, scope: Scope): readonly PlannedOutput[] {
  return template.outputs.flatMap(({ name, condition, value: node }) => {
    const wanted = condition === undefined || scope.holds(condition.name, condition.position);
    const value = evaluate(node, wanted === true ? scope : { ...scope, absent: new Set() });
    if (value === undefined || wanted !== true) return [];
    if (value.kind === 'text') return [{ name, value }];
    scope.problems.add(node.position, `The value of the output '${name}' must be a text.`);
    return [];
  });
}
