import { slugOf } from '../contract/arn.ts';
import { compareVersions, parseVersion, type VersionNodes } from '../contract/version.ts';
import { getDefinition } from './resource-operations.ts';
import { listItems, type Members, type ServiceCall } from './service-call.ts';

export type RecipeTypeName = 'AWS::ImageBuilder::ImageRecipe' | 'AWS::ImageBuilder::ContainerRecipe';

const LISTS = {
  'AWS::ImageBuilder::ImageRecipe': ['ListImageRecipes', 'imageRecipeSummaryList'],
  'AWS::ImageBuilder::ContainerRecipe': ['ListContainerRecipes', 'containerRecipeSummaryList'],
} as const;

/**
 * The recipe that a template's recipe is compared with: the one of its version or, when the version is counted up by
 * the service (`1.0.x`), the newest that matches.
 */
export async function findRecipe(
  call: ServiceCall,
  type: RecipeTypeName,
  input: Members,
  arn: string,
  signal: AbortSignal,
): Promise<Members | undefined> {
  const version = String(input['semanticVersion']);
  if (!version.includes('x')) return getDefinition(call, type, arn, signal);

  const name = String(input['name']);
  let newest: { readonly arn: string; readonly nodes: VersionNodes } | undefined;
  const filters = [{ name: 'name', values: [name] }];
  const [operation, member] = LISTS[type];
  for await (const item of listItems(call, operation, { owner: 'Self', filters }, member, signal)) {
    const recipe = String(item['arn']);
    const nodes = matching(recipe, name, version);
    if (nodes === undefined) continue;
    if (newest === undefined || compareVersions(nodes, newest.nodes) > 0) newest = { arn: recipe, nodes };
  }
  return newest === undefined ? undefined : getDefinition(call, type, newest.arn, signal);
}

function matching(arn: string, name: string, pattern: string): VersionNodes | undefined {
  const [, slug, version = ''] = arn.split('/');
  const nodes = parseVersion(version);
  if (slug !== slugOf(name) || nodes === undefined) return undefined;
  const fits = pattern.split('.').every((node, index) => node === 'x' || Number(node) === nodes[index]);
  return fits ? nodes : undefined;
}
