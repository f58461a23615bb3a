import type { Transaction } from 'kysely';
import type { InputOf, OutputOf, Partly } from '../contract/operations.ts';
import type { Database } from '../state/tables.ts';
import { checkBlockDevices } from './block-devices.ts';
import { described, insertDefinition, ownArn } from './definitions.ts';
import { deleteDefinition } from './deletion.ts';
import { changeOnce } from './idempotency.ts';
import { latestVersionReferences } from './latest-version-references.ts';
import { parentImageArn, type ResolvedParent, resolveParentImage } from './parent-images.ts';
import { checkQuota } from './quotas.ts';
import { checkComponentList, checkRecipeComponents } from './recipe-components.ts';
import { checkRecipeVersion, concreteVersion } from './recipe-versions.ts';
import { RequestProblems } from './request-problems.ts';
import type { CheckContext, Service } from './service.ts';
import { findVisible } from './sharing.ts';
import { reportUnsupportedMembers } from './unsupported-members.ts';

/** Recipes never change; what they name must exist when they are made, and is looked up again by each build. */
export async function createImageRecipe(
  service: Service,
  input: InputOf<'CreateImageRecipe'>,
): Promise<OutputOf<'CreateImageRecipe'>> {
  const problems = new RequestProblems();
  checkCreateImageRecipe(service, input, problems);
  return changeOnce(service, 'CreateImageRecipe', input, async (trx) => {
    const components = input.components ?? [];
    const parent = await checkReferences(service, trx, input, problems);
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

/** Reports what is wrong with the request. */
export function checkCreateImageRecipe(
  context: CheckContext,
  input: Partly<InputOf<'CreateImageRecipe'>>,
  problems: RequestProblems,
): void {
  const { components = [], parentImage } = input;
  reportUnsupportedMembers('CreateImageRecipe', input, problems);
  checkBlockDevices(input.blockDeviceMappings, problems);
  problems.attempt(() => checkQuota(context, 'componentsPerImageRecipe', components.length));
  const values = components.flatMap((component) => component?.parameters?.flatMap((one) => one?.value ?? []) ?? []);
  const longest = values.reduce((most, value) => Math.max(most, value?.length ?? 0), 0);
  problems.attempt(() => checkQuota(context, 'componentParameterLength', longest));
  checkRecipeVersion(input, problems);
  if (parentImage !== undefined) problems.attempt(() => parentImageArn(context, parentImage));
  checkComponentList(components, problems);
}

/** What the parent image is. Throws everything that is wrong with the request and with what it names. */
async function checkReferences(
  service: Service,
  trx: Transaction<Database>,
  { parentImage, components = [] }: InputOf<'CreateImageRecipe'>,
  problems: RequestProblems,
): Promise<ResolvedParent> {
  const parent = await problems.collect(() => resolveParentImage(service, trx, parentImage));
  await checkRecipeComponents(service, trx, { components, parent }, problems);
  problems.throwIfAny();
  // Without problems it was resolved.
  return parent as ResolvedParent;
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
