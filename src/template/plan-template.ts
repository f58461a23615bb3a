import { slugOf } from '../contract/arn.ts';
import { readModel } from '../contract/model.ts';
import type { OperationModel } from '../contract/model.types.ts';
import type { ComponentDocument } from '../documents/component.ts';
import { InvalidDocumentError, type Problem } from '../util/problem.ts';
import { ProblemList } from '../util/problem-list.ts';
import { readAssetManifest } from './asset-manifest.ts';
import { checkConstraints } from './check-constraints.ts';
import { checkRecipeComponents } from './check-recipe-components.ts';
import { readDocumentSource } from './document-source.ts';
import { encodeProperties } from './encode-properties.ts';
import {
  type EvaluatedTemplate,
  type EvaluationOptions,
  evaluateTemplate,
  pseudoParameters,
} from './evaluate-template.ts';
import { orderResources } from './order-resources.ts';
import type { Template } from './read-template.ts';
import { RESOURCE_TYPES, type ResourceTypeName } from './resource-types.ts';
import type { PlannedResource, TemplatePlan } from './template-plan.ts';

export interface PlanOptions extends EvaluationOptions {
  /** Whether images are built as they are applied, so that other resources may refer to them. */
  readonly buildsImages: boolean;
}

/**
 * Evaluates a template for given parameters and checks everything that can be checked without the service: names,
 * references, types of properties, documents, parameters of components.
 *
 * @throws InvalidDocumentError with everything that is wrong, in the template and in the files that it names.
 */
export async function planTemplate(template: Template, options: PlanOptions): Promise<TemplatePlan> {
  const { file } = template;
  const problems = new ProblemList(file);
  const evaluated = await evaluateTemplate(template, options, problems);
  const ordered = orderResources(template, evaluated.resources, problems);
  if (!options.buildsImages) refuseReferencesToImages(template, evaluated, problems);
  const assets = await readAssetManifest(file, pseudoParameters(options));

  const model = readModel();
  const resources: PlannedResource[] = [];
  const components = new Map<string, ComponentDocument>();
  const elsewhere: Problem[] = [];
  for (const { declaration, properties } of ordered) {
    const { logicalId, type, position, retained } = declaration;
    const operation = operationOf(model, type);
    const encoded = encodeProperties(RESOURCE_TYPES[type], operation, type, properties, problems);
    if (encoded === undefined) continue;
    const source = await readDocumentSource(template, declaration, encoded, assets);
    elsewhere.push(...source.problems);
    if (source.component !== undefined) components.set(logicalId, source.component);
    const members = [...operation.input.members.keys()];
    const planned = { logicalId, type, position, ...encoded, members, document: source.document, retained };
    checkConstraints(planned, operation, template, problems);
    resources.push(planned);
  }
  checkNamesAreUnique(resources, problems);
  checkRecipeComponents(resources, components, problems);

  const all = [...problems.problems, ...elsewhere];
  if (all.length > 0) throw new InvalidDocumentError(all);
  const { names, outputs } = evaluated;
  return { file, stackName: options.stackName, resources, names, outputs };
}

function operationOf(model: readonly OperationModel[], type: ResourceTypeName): OperationModel {
  const name = RESOURCE_TYPES[type].operation;
  const operation = model.find((candidate) => candidate.name === name);
  if (operation === undefined) throw new Error(`the contract has no operation ${name}`);
  return operation;
}

/** An image's ARN and AMI are known only after its build, and `kiln build` makes one build. */
function refuseReferencesToImages(template: Template, { resources }: EvaluatedTemplate, problems: ProblemList): void {
  for (const { declaration, properties, references } of resources.values()) {
    const image = references.find((to) => template.resources.get(to.logicalId)?.type === 'AWS::ImageBuilder::Image');
    if (image === undefined) continue;
    problems.add(
      properties.position,
      `The resource '${declaration.logicalId}' refers to the image '${image.logicalId}' of the same template, and kiln build builds one image.`,
      'kiln apply builds them in their order',
    );
  }
}

/** Two resources of one name would be one resource in the service, changed to and fro at every build. */
function checkNamesAreUnique(resources: readonly PlannedResource[], problems: ProblemList): void {
  const seen = new Map<string, string>();
  for (const { logicalId, type, input, position } of resources) {
    if (typeof input['name'] !== 'string') continue;
    const key = [type, slugOf(input['name']), input['semanticVersion'] ?? '', input['type'] ?? ''].join(' ');
    const other = seen.get(key);
    if (other !== undefined) {
      problems.add(position, `'${logicalId}' has the same name and version as '${other}'.`);
    }
    seen.set(key, logicalId);
  }
}
