import { slugOf } from '../contract/arn.ts';
import { readModel } from '../contract/model.ts';
import type { OperationModel } from '../contract/model.types.ts';
import type { ComponentDocument } from '../documents/component.ts';
import { InvalidDocumentError, type Problem, type SourcePosition } from '../util/problem.ts';
import { ProblemList } from '../util/problem-list.ts';
import { checkConstraints } from './check-constraints.ts';
import { checkRecipeComponents } from './check-recipe-components.ts';
import { type ComponentSource, readComponentSource } from './component-source.ts';
import { type EncodedProperties, encodeProperties } from './encode-properties.ts';
import { evaluate, type Scope } from './intrinsics.ts';
import { type GivenParameters, resolveParameters } from './parameters.ts';
import type { Template } from './read-template.ts';
import { RESOURCE_TYPES, type ResourceTypeName } from './resource-types.ts';
import { type AttributeReference, type MapValue, referencesOf, type TextValue } from './values.ts';

export interface PlanOptions {
  readonly parameters: GivenParameters;
  /** `AWS::StackName`. */
  readonly stackName: string;
  readonly partition: string;
  readonly region: string;
  readonly accountId: string;
}

/** What applying a template will do. Nothing in it can be wrong any more without asking the service. */
export interface TemplatePlan {
  readonly file: string;
  /** Each after everything that it needs. */
  readonly resources: readonly PlannedResource[];
  readonly outputs: readonly PlannedOutput[];
}

export interface PlannedResource extends EncodedProperties {
  readonly logicalId: string;
  readonly type: ResourceTypeName;
  /** Where its logical id stands. */
  readonly position: SourcePosition;
  /** Names of all members that its Create operation takes. */
  readonly members: readonly string[];
  /** Only of components whose document lies in a file. */
  readonly document: string | undefined;
}

export interface PlannedOutput {
  readonly name: string;
  readonly value: TextValue;
}

/**
 * Evaluates a template for given parameters and checks everything that can be checked without the service: names,
 * references, types of properties, component documents, parameters of components.
 *
 * @throws InvalidDocumentError with everything that is wrong, in the template and in the component files.
 */
export async function planTemplate(template: Template, options: PlanOptions): Promise<TemplatePlan> {
  const problems = new ProblemList(template.file);
  const scope: Scope = {
    parameters: resolveParameters(template.parameters, options.parameters, problems),
    pseudoParameters: new Map([
      ['AWS::AccountId', options.accountId],
      ['AWS::Partition', options.partition],
      ['AWS::Region', options.region],
      ['AWS::StackName', options.stackName],
      ['AWS::URLSuffix', 'amazonaws.com'],
    ]),
    attributes: new Map(
      [...template.resources.values()].map(({ logicalId, type }) => [logicalId, RESOURCE_TYPES[type].attributes]),
    ),
    problems,
  };
  const evaluated = evaluateResources(template, scope);
  const ordered = orderByDependency(template, evaluated, problems);
  checkReferencesToImages(template, evaluated, problems);

  const model = readModel();
  const resources: PlannedResource[] = [];
  const components = new Map<string, ComponentDocument>();
  const elsewhere: Problem[] = [];
  for (const { logicalId, type, position, properties } of ordered) {
    const operation = operationOf(model, type);
    const encoded = encodeProperties(RESOURCE_TYPES[type], operation, type, properties, problems);
    if (encoded === undefined) continue;
    const source =
      type === 'AWS::ImageBuilder::Component' ? await readComponentSource(template, logicalId, encoded) : NO_SOURCE;
    elsewhere.push(...source.problems);
    if (source.component !== undefined) components.set(logicalId, source.component);
    const members = [...operation.input.members.keys()];
    const planned = { logicalId, type, position, ...encoded, members, document: source.document };
    checkConstraints(planned, operation, template, problems);
    resources.push(planned);
  }
  checkNamesAreUnique(resources, problems);
  checkRecipeComponents(resources, components, problems);
  const outputs = evaluateOutputs(template, scope);

  const all = [...problems.problems, ...elsewhere];
  if (all.length > 0) throw new InvalidDocumentError(all);
  return { file: template.file, resources, outputs };
}

function operationOf(model: readonly OperationModel[], type: ResourceTypeName): OperationModel {
  const name = RESOURCE_TYPES[type].operation;
  const operation = model.find((candidate) => candidate.name === name);
  if (operation === undefined) throw new Error(`the contract has no operation ${name}`);
  return operation;
}

const NO_SOURCE: ComponentSource = { problems: [], component: undefined, document: undefined };

interface EvaluatedResource {
  readonly logicalId: string;
  readonly type: ResourceTypeName;
  readonly position: SourcePosition;
  readonly properties: MapValue;
  readonly references: readonly AttributeReference[];
}

function evaluateResources(template: Template, scope: Scope): ReadonlyMap<string, EvaluatedResource> {
  const evaluated = new Map<string, EvaluatedResource>();
  for (const { logicalId, type, position, properties } of template.resources.values()) {
    const empty: MapValue = { kind: 'map', position, entries: [] };
    const value = properties === undefined ? empty : evaluate(properties, scope);
    if (value === undefined) continue;
    if (value.kind !== 'map') {
      scope.problems.add(value.position, `Properties of the resource '${logicalId}' must be a map.`);
      continue;
    }
    evaluated.set(logicalId, { logicalId, type, position, properties: value, references: referencesOf(value) });
  }
  return evaluated;
}

function evaluateOutputs(template: Template, scope: Scope): readonly PlannedOutput[] {
  return template.outputs.flatMap(({ name, value: node }) => {
    const value = evaluate(node, scope);
    if (value === undefined) return [];
    if (value.kind === 'text') return [{ name, value }];
    scope.problems.add(node.position, `The value of the output '${name}' must be a text.`);
    return [];
  });
}

/** Each resource after those it needs, else in the order of the source. */
function orderByDependency(
  template: Template,
  evaluated: ReadonlyMap<string, EvaluatedResource>,
  problems: ProblemList,
): readonly EvaluatedResource[] {
  const ordered: EvaluatedResource[] = [];
  const done = new Set<string>();
  const visit = (logicalId: string, path: readonly string[]): void => {
    const start = path.indexOf(logicalId);
    if (start !== -1) {
      const place = template.resources.get(logicalId)?.position ?? { line: 1, column: 1 };
      problems.add(place, `Resources depend on each other: ${[...path.slice(start), logicalId].join(' -> ')}.`);
      return;
    }
    if (done.has(logicalId)) return;
    for (const needed of neededBy(logicalId, template, evaluated, problems)) visit(needed, [...path, logicalId]);
    if (done.has(logicalId)) return;
    done.add(logicalId);
    const resource = evaluated.get(logicalId);
    if (resource !== undefined) ordered.push(resource);
  };
  for (const logicalId of template.resources.keys()) visit(logicalId, []);
  return ordered;
}

function neededBy(
  logicalId: string,
  template: Template,
  evaluated: ReadonlyMap<string, EvaluatedResource>,
  problems: ProblemList,
): ReadonlySet<string> {
  const needed = new Set(evaluated.get(logicalId)?.references.map((reference) => reference.logicalId));
  for (const dependency of template.resources.get(logicalId)?.dependsOn ?? []) {
    if (template.resources.has(dependency.logicalId)) needed.add(dependency.logicalId);
    else problems.add(dependency.position, `There is no resource '${dependency.logicalId}'.`);
  }
  return needed;
}

/** An image's ARN and AMI are known only after its build, and one command makes one build. */
function checkReferencesToImages(
  template: Template,
  evaluated: ReadonlyMap<string, EvaluatedResource>,
  problems: ProblemList,
): void {
  for (const { logicalId, properties, references } of evaluated.values()) {
    const image = references.find((to) => template.resources.get(to.logicalId)?.type === 'AWS::ImageBuilder::Image');
    if (image === undefined) continue;
    problems.add(
      properties.position,
      `The resource '${logicalId}' refers to the image '${image.logicalId}' of the same template, which Kiln does not support yet.`,
      'put it into a template of its own and name the parent by arn:…:image/NAME/x.x.x',
    );
  }
}

/** Two resources of one name would be one resource in the service, changed to and fro at every build. */
function checkNamesAreUnique(resources: readonly PlannedResource[], problems: ProblemList): void {
  const seen = new Map<string, string>();
  for (const { logicalId, type, input, position } of resources) {
    if (typeof input['name'] !== 'string') continue;
    const version = input['semanticVersion'] ?? '';
    const key = [type, slugOf(input['name']), version].join(' ');
    const other = seen.get(key);
    if (other !== undefined) {
      problems.add(position, `'${logicalId}' has the same name and version as '${other}'.`);
    }
    seen.set(key, logicalId);
  }
}
