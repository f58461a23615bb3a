import { type ImagebuilderClient, paginateListImageRecipes } from '@aws-sdk/client-imagebuilder';
import { slugOf } from '../contract/arn.ts';
import { compareVersions, parseVersion, type VersionNodes } from '../contract/version.ts';
import { type Members, RESOURCE_OPERATIONS } from './resource-operations.ts';

/**
 * The recipe that a template's recipe is compared with: the one of its version or, when the version is counted up by
 * the service (`1.0.x`), the newest that matches.
 */
export async function findRecipe(
  client: ImagebuilderClient,
  input: Members,
  arn: string,
  signal: AbortSignal,
): Promise<Members | undefined> {
  const { get } = RESOURCE_OPERATIONS['AWS::ImageBuilder::ImageRecipe'];
  const version = String(input['semanticVersion']);
  if (!version.includes('x')) return get(client, arn, signal);

  const name = String(input['name']);
  let newest: { readonly arn: string; readonly nodes: VersionNodes } | undefined;
  const filters = [{ name: 'name', values: [name] }];
  for await (const page of paginateListImageRecipes({ client }, { owner: 'Self', filters })) {
    signal.throwIfAborted();
    for (const recipe of page.imageRecipeSummaryList ?? []) {
      const nodes = matching(recipe.arn ?? '', name, version);
      if (nodes === undefined || recipe.arn === undefined) continue;
      if (newest === undefined || compareVersions(nodes, newest.nodes) > 0) newest = { arn: recipe.arn, nodes };
    }
  }
  return newest === undefined ? undefined : get(client, newest.arn, signal);
}

function matching(arn: string, name: string, pattern: string): VersionNodes | undefined {
  const [, slug, version = ''] = arn.split('/');
  const nodes = parseVersion(version);
  if (slug !== slugOf(name) || nodes === undefined) return undefined;
  const fits = pattern.split('.').every((node, index) => node === 'x' || Number(node) === nodes[index]);
  return fits ? nodes : undefined;
}
