import { formatArn, parseArn } from '../contract/arn.ts';
import { notFound } from '../contract/errors.ts';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import type { ImageRow } from '../state/find-resource.ts';
import { isUnfinished } from '../state/image-states.ts';
import { logPlaceOf } from '../state/log-place.ts';
import { withQueuePosition } from '../state/queue-position.ts';
import { deleteOneAtATime, refuseIfNeeded } from './deletion.ts';
import { latestVersionReferences } from './latest-version-references.ts';
import { findManagedImage, MANAGED_BUILD, managedImageArn } from './parent-images.ts';
import { dependencyError } from './refusals.ts';
import { refuseIfShared } from './resource-policies.ts';
import type { ParentImage, Service } from './service.ts';
import { findVisibleImage } from './sharing.ts';

/** A build version ARN means that build; a version or wildcard ARN the newest AVAILABLE build that matches. */
export async function getImage(service: Service, input: InputOf<'GetImage'>): Promise<OutputOf<'GetImage'>> {
  const { imageBuildVersionArn } = input;
  const arn = parseArn(imageBuildVersionArn);
  if (arn?.owner === 'aws') {
    const managed = findManagedImage(service, arn);
    if (managed === undefined) throw notFound('imageBuildVersionArn', imageBuildVersionArn);
    const image = describedManagedImage(service, managed);
    return { image, latestVersionReferences: latestVersionReferences(image.arn) };
  }
  const row = await findVisibleImage(service, service.db, imageBuildVersionArn);
  if (row === undefined) throw notFound('imageBuildVersionArn', imageBuildVersionArn);
  const [image = row] = await withQueuePosition(service.db, [row]);
  return { image: describedImage(image), latestVersionReferences: latestVersionReferences(row.arn) };
}

function describedImage(row: ImageRow) {
  return {
    ...summaryMembers(row),
    enhancedImageMetadataEnabled: row.enhanced_image_metadata_enabled,
    imageRecipe: row.image_recipe,
    ...(row.source_pipeline_arn === null ? {} : { sourcePipelineArn: row.source_pipeline_arn }),
    ...(row.source_pipeline_name === null ? {} : { sourcePipelineName: row.source_pipeline_name }),
    infrastructureConfiguration: row.infrastructure_configuration,
    ...(row.distribution_configuration === null
      ? {}
      : { distributionConfiguration: { timeoutMinutes: 720, ...row.distribution_configuration } }),
    imageTestsConfiguration: row.image_tests_configuration,
    ...(row.workflows === null ? {} : { workflows: [...row.workflows] }),
    ...(row.execution_role === null ? {} : { executionRole: row.execution_role }),
  };
}

/** What Get and lists of build versions answer alike. */
export function summaryMembers(row: ImageRow) {
  return {
    arn: row.arn,
    type: 'AMI' as const,
    name: row.name,
    version: `${row.version}/${row.build}`,
    platform: row.platform,
    ...(row.os_version === null ? {} : { osVersion: row.os_version }),
    state: {
      status: row.status,
      ...(row.reason === null ? {} : { reason: row.reason }),
      ...(row.failure_context === null ? {} : { failureContext: row.failure_context }),
    },
    dateCreated: row.created_at.toISOString(),
    outputResources: row.output_resources,
    tags: row.tags,
    buildType: row.build_type,
    imageSource: 'CUSTOM' as const,
    ...(row.deprecation_time === null ? {} : { deprecationTime: row.deprecation_time }),
    ...(row.lifecycle_execution_id === null ? {} : { lifecycleExecutionId: row.lifecycle_execution_id }),
    ...(row.logging_configuration === null ? {} : { loggingConfiguration: row.logging_configuration }),
  };
}

export function describedManagedImage(service: Service, image: ParentImage) {
  return {
    arn: formatArn({ ...managedImageArn(service, image), build: MANAGED_BUILD }),
    type: 'AMI' as const,
    name: image.name,
    version: `${image.version}/${MANAGED_BUILD}`,
    platform: image.platform,
    ...(image.osVersion === undefined ? {} : { osVersion: image.osVersion }),
    state: { status: 'AVAILABLE' as const },
    outputResources: { amis: [] },
    tags: {},
    imageSource: 'AMAZON_MANAGED' as const,
  };
}

/** Removes the record with its log; the AMIs that the build made stay. */
export async function deleteImage(service: Service, input: InputOf<'DeleteImage'>): Promise<OutputOf<'DeleteImage'>> {
  const { imageBuildVersionArn: arn } = input;
  await service.db.transaction().execute(async (trx) => {
    await deleteOneAtATime(trx, arn);
    const image = await trx.selectFrom('images').selectAll().where('arn', '=', arn).forUpdate().executeTakeFirst();
    if (image === undefined) throw notFound('imageBuildVersionArn', arn);
    if (isUnfinished(image.status)) {
      throw dependencyError(arn, `Its build is not finished (${image.status}); cancel it first.`);
    }
    refuseIfShared(image);
    await trx.deleteFrom('images').where('arn', '=', arn).execute();
    const { group, stream } = logPlaceOf(image);
    await trx.deleteFrom('log_events').where('log_group', '=', group).where('log_stream', '=', stream).execute();
    await refuseIfNeeded(trx, arn, { wasSelectable: image.status === 'AVAILABLE' });
  });
  return { imageBuildVersionArn: arn };
}
