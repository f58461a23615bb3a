import { sql, type Transaction } from 'kysely';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import { hasWildcard } from '../contract/version.ts';
import type { Database } from '../state/tables.ts';
import { checkBlockDevices } from './block-devices.ts';
import { described, findDefinition, insertDefinition, ownArn } from './definitions.ts';
import { deleteDefinition } from './deletion.ts';
import { changeOnce } from './idempotency.ts';
import { latestVersionReferences } from './latest-version-references.ts';
import { resolveParentImage } from './parent-images.ts';
import { checkQuota } from './quotas.ts';
import { checkRecipeComponents } from './recipe-components.ts';
import { invalidVersion } from './refusals.ts';
import type { Service } from './service.ts';
import { refuseUnsupportedMembers } from './unsupported-members.ts';
import { versionNodes } from './versions.ts';

/** Recipes never change; what they name must exist when they are made, and is looked up again by each build. */
export async function createImageRecipe(
  service: Service,
  input: InputOf<'CreateImageRecipe'>,
): Promise<OutputOf<'CreateImageRecipe'>> {
  refuseUnsupportedMembers('CreateImageRecipe', input);
  checkBlockDevices(input.blockDeviceMappings ?? []);
  checkQuota(service, 'componentsPerImageRecipe', input.components?.length ?? 0);
  for (const { value } of (input.components ?? []).flatMap(({ parameters }) => parameters ?? [])) {
    for (const text of value) checkQuota(service, 'componentParameterLength', text.length);
  }
  return changeOnce(service, 'CreateImageRecipe', input, async (trx) => {
    const components = input.components ?? [];
    const parent = await resolveParentImage(service, trx, input.parentImage);
    await checkRecipeComponents(trx, components, parent);
    const version = await concreteVersion(service, trx, input.name, input.semanticVersion);
    const arn = await insertDefinition(service, trx, {
      arn: { ...ownArn(service, 'image-recipe', input.name, version), kind: 'image-recipe' },
      name: input.name,
      document: {
        type: 'AMI',
        name: input.name,
        description: input.description,
        platform: parent.platform,
        owner: service.accountId,
        version,
        components: input.components,
        parentImage: input.parentImage,
        blockDeviceMappings: input.blockDeviceMappings,
        dateCreated: service.clock.now().toISOString(),
        workingDirectory: input.workingDirectory,
        additionalInstanceConfiguration: input.additionalInstanceConfiguration,
        amiTags: input.amiTags,
      },
      tags: input.tags,
      references: [
        ...components.map((component) => component.componentArn),
        ...(parent.reference === undefined ? [] : [parent.reference]),
      ],
    });
    return { imageRecipeArn: arn, latestVersionReferences: latestVersionReferences(arn) };
  });
}

/**
 * The version that `version` means for a new recipe. One `x` stands for one more than the highest node that is there:
 * `1.0.x` counts patches of 1.0, `1.x.0` minor versions of 1 whatever their patch, and the first is 0
 * (docs/decisions/031-version-of-a-new-recipe.md). Creations of one name take turns until their transactions end.
 */
async function concreteVersion(
  service: Service,
  trx: Transaction<Database>,
  name: string,
  version: string,
): Promise<string> {
  if (!hasWildcard(version)) {
    versionNodes('semanticVersion', version);
    return version;
  }
  const nodes = version.split('.');
  const open = nodes.indexOf('x');
  const column = (['major', 'minor', 'patch'] as const)[open];
  if (column === undefined || nodes.lastIndexOf('x') !== open) {
    throw invalidVersion('semanticVersion', 'A new version may have one x, which becomes the next free number.');
  }
  versionNodes('semanticVersion', version.replace('x', '0'));
  const { slug } = ownArn(service, 'image-recipe', name);
  await sql`select pg_advisory_xact_lock(hashtextextended(${`version of image-recipe ${slug}`}, 0))`.execute(trx);
  let query = trx
    .selectFrom('resources')
    .select((row) => row.fn.max(column).as('highest'))
    .where('kind', '=', 'image-recipe')
    .where('account_id', '=', service.accountId)
    .where('region', '=', service.region)
    .where('slug', '=', slug);
  if (open > 0) query = query.where('major', '=', Number(nodes[0]));
  if (open > 1) query = query.where('minor', '=', Number(nodes[1]));
  const { highest } = await query.executeTakeFirstOrThrow();
  const concrete = nodes.with(open, String(highest === null ? 0 : highest + 1)).join('.');
  versionNodes('semanticVersion', concrete);
  return concrete;
}

/** An ARN with wildcards means the highest version that matches. */
export async function getImageRecipe(
  service: Service,
  input: InputOf<'GetImageRecipe'>,
): Promise<OutputOf<'GetImageRecipe'>> {
  const found = await findDefinition(service.db, 'image-recipe', input.imageRecipeArn, 'imageRecipeArn');
  return { imageRecipe: described(found), latestVersionReferences: latestVersionReferences(found.arn) };
}

/** Refused while a pipeline would find no recipe any more; images have copies of theirs. */
export async function deleteImageRecipe(
  service: Service,
  input: InputOf<'DeleteImageRecipe'>,
): Promise<OutputOf<'DeleteImageRecipe'>> {
  await deleteDefinition(service, 'image-recipe', input.imageRecipeArn, 'imageRecipeArn');
  return { imageRecipeArn: input.imageRecipeArn };
}
