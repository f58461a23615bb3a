/** The two operations that ask for a build. Both write the image, its first event and its job in one transaction. */
import type { Transaction } from 'kysely';
import { formatArn } from '../contract/arn.ts';
import { notYet } from '../contract/errors.ts';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import { writeImageEvent } from '../state/events.ts';
import { nextBuild } from '../state/next-build.ts';
import type { Database, ImagesTable } from '../state/tables.ts';
import { type BuildRequest, checkBuildRequest, imageTestsConfiguration } from './build-requests.ts';
import { type Definition, described, findDefinition, findReferenced, ownArn } from './definitions.ts';
import { changeOnce } from './idempotency.ts';
import { latestVersionReferences } from './latest-version-references.ts';
import { checkBuildQuota } from './quotas.ts';
import type { Service } from './service.ts';
import { checkTagCount } from './tags.ts';
import { refuseUnsupportedMembers } from './unsupported-members.ts';
import { versionNodes } from './versions.ts';

/** Asks for one build without a pipeline. Answers at once; the build goes on in the worker. */
export async function createImage(service: Service, input: InputOf<'CreateImage'>): Promise<OutputOf<'CreateImage'>> {
  refuseUnsupportedMembers('CreateImage', input);
  checkBuildRequest(input);
  return changeOnce(service, 'CreateImage', input, async (trx) => {
    const arn = await insertImage(service, trx, input, input.tags ?? {});
    return { imageBuildVersionArn: arn, latestVersionReferences: latestVersionReferences(arn) };
  });
}

/** Builds whether the pipeline is enabled or not: its status concerns the schedule only. */
export async function startImagePipelineExecution(
  service: Service,
  input: InputOf<'StartImagePipelineExecution'>,
): Promise<OutputOf<'StartImagePipelineExecution'>> {
  return changeOnce(service, 'StartImagePipelineExecution', input, async (trx) => {
    const pipeline = await findReferenced(trx, 'image-pipeline', input.imagePipelineArn, 'imagePipelineArn');
    const request = pipeline.document as unknown as BuildRequest & { imageTags?: Record<string, string> };
    const tags = { ...request.imageTags, ...input.tags };
    checkTagCount('tags', tags);
    return { imageBuildVersionArn: await insertImage(service, trx, request, tags, pipeline) };
  });
}

/**
 * Inserts the image with copies of its definitions, so that it stays what was asked for when they change or go, and
 * queues its build.
 */
async function insertImage(
  service: Service,
  trx: Transaction<Database>,
  request: BuildRequest,
  tags: Readonly<Record<string, string>>,
  pipeline?: Definition,
): Promise<string> {
  const { imageRecipeArn = '', infrastructureConfigurationArn, distributionConfigurationArn } = request;
  const recipe = await findReferenced(trx, 'image-recipe', imageRecipeArn, 'imageRecipeArn');
  const infrastructure = await findDefinition(
    trx,
    'infrastructure-configuration',
    infrastructureConfigurationArn,
    'infrastructureConfigurationArn',
  );
  const distribution =
    distributionConfigurationArn === undefined
      ? undefined
      : await findDefinition(
          trx,
          'distribution-configuration',
          distributionConfigurationArn,
          'distributionConfigurationArn',
        );
  const { name, slug, version } = recipe;
  const platform = recipe.document['platform'] as ImagesTable['platform'];
  if (platform !== 'Linux') throw notYet(`building images for ${platform}`);
  const nodes = versionNodes('imageRecipeArn', version ?? '');
  const owner = { accountId: service.accountId, region: service.region };
  const build = await nextBuild(trx, { kind: 'image', ...owner, slug, nodes });
  const arn = formatArn(ownArn(service, 'image', name, version ?? '', build));
  const now = service.clock.now();
  await trx
    .insertInto('images')
    .values({
      arn,
      account_id: service.accountId,
      region: service.region,
      name,
      slug,
      major: nodes[0],
      minor: nodes[1],
      patch: nodes[2],
      build,
      version: version ?? '',
      status: 'PENDING',
      reason: null,
      failure_context: null,
      build_type: 'USER_INITIATED',
      platform,
      os_version: null,
      image_recipe: JSON.stringify(described(recipe)),
      infrastructure_configuration: JSON.stringify(described(infrastructure)),
      distribution_configuration: distribution === undefined ? null : JSON.stringify(described(distribution)),
      image_tests_configuration: JSON.stringify(imageTestsConfiguration(request)),
      enhanced_image_metadata_enabled: request.enhancedImageMetadataEnabled ?? true,
      source_pipeline_arn: pipeline?.arn ?? null,
      source_pipeline_name: pipeline?.name ?? null,
      logging_configuration: null,
      output_resources: JSON.stringify({ amis: [] }),
      tags: JSON.stringify(tags),
      cancel_requested_at: null,
      worker_id: null,
      epoch: 0,
      created_at: now,
      started_at: null,
      ended_at: null,
    })
    .execute();
  await checkBuildQuota(service, trx);
  await writeImageEvent(trx, arn, { status: 'PENDING' }, now);
  await service.jobs.enqueue(trx, arn);
  return arn;
}
