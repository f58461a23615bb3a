import type { ComponentDocument } from '../documents/component.ts';
import type { SourcePosition } from '../util/problem.ts';
import type { ProblemList } from '../util/problem-list.ts';
import { suggestion } from '../util/yaml-reader.ts';
import { type EncodedProperties, PendingText } from './encode-properties.ts';
import type { ResourceTypeName } from './resource-types.ts';

interface Recipe extends EncodedProperties {
  readonly type: ResourceTypeName;
  readonly position: SourcePosition;
}

/**
 * Checks the parameters that recipes give to components of the same template, so that a wrong one is found before the
 * component is created. The service checks the same again for all components.
 */
export function checkRecipeComponents(
  resources: readonly Recipe[],
  components: ReadonlyMap<string, ComponentDocument>,
  problems: ProblemList,
): void {
  for (const recipe of resources) {
    if (recipe.type !== 'AWS::ImageBuilder::ImageRecipe') continue;
    for (const [index, entry] of listOf(recipe.input['components']).entries()) {
      const component = componentOf(entry['componentArn'], components);
      if (component !== undefined) checkParameters(recipe, index, entry, component, problems);
    }
  }
}

function checkParameters(
  recipe: Recipe,
  index: number,
  entry: Readonly<Record<string, unknown>>,
  component: ComponentDocument,
  problems: ProblemList,
): void {
  const path = `components[${index}]`;
  const given = listOf(entry['parameters']);
  const declared = component.parameters.map((parameter) => parameter.name);
  for (const [position, { name, value }] of given.entries()) {
    const place = recipe.positions.get(`${path}.parameters[${position}].name`) ?? recipe.position;
    if (typeof name === 'string' && !declared.includes(name)) {
      const hint = declared.length === 0 ? 'it has none' : suggestion(name, declared);
      problems.add(place, `The component '${component.name}' has no parameter '${name}'.`, hint);
    }
    if (Array.isArray(value) && value.length !== 1) {
      problems.add(place, `The parameter '${String(name)}' needs exactly one value.`);
    }
  }
  for (const parameter of component.parameters) {
    if (parameter.default !== undefined || given.some(({ name }) => name === parameter.name)) continue;
    const place = recipe.positions.get(path) ?? recipe.position;
    problems.add(place, `The component '${component.name}' needs a value for its parameter '${parameter.name}'.`);
  }
}

function componentOf(arn: unknown, components: ReadonlyMap<string, ComponentDocument>): ComponentDocument | undefined {
  const [part, ...rest] = arn instanceof PendingText ? arn.parts : [];
  const isAttribute = typeof part === 'object' && 'logicalId' in part && rest.length === 0;
  return isAttribute ? components.get(part.logicalId) : undefined;
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value : [];
}
