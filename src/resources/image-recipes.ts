import type { InputOf, OutputOf } from '../contract/operations.ts';
import { checkBlockDevices } from './block-devices.ts';
import { described, insertDefinition, ownArn } from './definitions.ts';
import { deleteDefinition } from './deletion.ts';
import { changeOnce } from './idempotency.ts';
import { latestVersionReferences } from './latest-version-references.ts';
import { resolveParentImage } from './parent-images.ts';
import { checkQuota } from './quotas.ts';
import { checkRecipeComponents } from './recipe-components.ts';
import { concreteVersion } from './recipe-versions.ts';
import type { Service } from './service.ts';
import { findVisible } from './sharing.ts';
import { refuseUnsupportedMembers } from './unsupported-members.ts';

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
    await checkRecipeComponents(service, trx, components, parent);
    const version = await concreteVersion(service, trx, 'image-recipe', input);
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

/** An ARN with wildcards means the highest version that matches. */
export async function getImageRecipe(
  service: Service,
  input: InputOf<'GetImageRecipe'>,
): Promise<OutputOf<'GetImageRecipe'>> {
  const found = await findVisible(service, service.db, 'image-recipe', input.imageRecipeArn, 'imageRecipeArn');
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
