import type { Transaction } from 'kysely';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import type { Database } from '../state/tables.ts';
import { type BuildRequest, checkBuildRequest, imageTestsConfiguration } from './build-requests.ts';
import {
  type Definition,
  described,
  findDefinition,
  findReferenced,
  insertDefinition,
  lockDefinition,
  ownArn,
  updateDefinition,
} from './definitions.ts';
import { deleteDefinition } from './deletion.ts';
import { changeOnce } from './idempotency.ts';
import { checkLogGroup } from './log-groups.ts';
import {
  checkSchedule,
  describedSchedule,
  keepSchedule,
  type ScheduledPipeline,
  withScheduleDefaults,
} from './pipeline-schedules.ts';
import type { Service } from './service.ts';
import { findVisibleReference } from './sharing.ts';
import { refuseUnsupportedMembers } from './unsupported-members.ts';
import { resolveWorkflows } from './workflow-configurations.ts';

const KIND = 'image-pipeline';

/** Wildcards in its recipe stay as written. */
export async function createImagePipeline(
  service: Service,
  input: InputOf<'CreateImagePipeline'>,
): Promise<OutputOf<'CreateImagePipeline'>> {
  refuseUnsupportedMembers('CreateImagePipeline', input);
  const now = service.clock.now();
  checkPipeline(input, now);
  return changeOnce(service, 'CreateImagePipeline', input, async (trx) => {
    const parts = await findParts(service, trx, input);
    const arn = await insertDefinition(service, trx, {
      arn: { ...ownArn(service, KIND, input.name), kind: KIND },
      name: input.name,
      document: {
        name: input.name,
        ...settings(input, parts),
        dateCreated: now.toISOString(),
      },
      tags: input.tags,
      references: referencesOf(input),
    });
    await keepSchedule(trx, scheduled(arn, input, now), now);
    return { imagePipelineArn: arn };
  });
}

/** Replaces everything but name, creation date and tags; what is left out goes back to its default. */
export async function updateImagePipeline(
  service: Service,
  input: InputOf<'UpdateImagePipeline'>,
): Promise<OutputOf<'UpdateImagePipeline'>> {
  refuseUnsupportedMembers('UpdateImagePipeline', input);
  const now = service.clock.now();
  checkPipeline(input, now);
  return changeOnce(service, 'UpdateImagePipeline', input, async (trx) => {
    const { imagePipelineArn: arn } = input;
    const { document, created_at } = await lockDefinition(trx, KIND, arn, 'imagePipelineArn');
    const parts = await findParts(service, trx, input);
    const updated = {
      name: document['name'],
      ...settings(input, parts),
      dateCreated: document['dateCreated'],
      dateUpdated: now.toISOString(),
    };
    await updateDefinition(service, trx, arn, updated, referencesOf(input));
    await keepSchedule(trx, scheduled(arn, input, created_at), now);
    return { imagePipelineArn: arn };
  });
}

type PipelineInput = InputOf<'CreateImagePipeline'> | InputOf<'UpdateImagePipeline'>;

function checkPipeline(input: PipelineInput, now: Date): void {
  checkBuildRequest(input);
  checkSchedule(input.schedule, now);
  const { imageLogGroupName, pipelineLogGroupName } = input.loggingConfiguration ?? {};
  checkLogGroup('loggingConfiguration.imageLogGroupName', imageLogGroupName, input.executionRole);
  checkLogGroup('loggingConfiguration.pipelineLogGroupName', pipelineLogGroupName, input.executionRole);
}

function scheduled(arn: string, { schedule, status }: PipelineInput, createdAt: Date): ScheduledPipeline {
  return { arn, schedule, enabled: status !== 'DISABLED', createdAt };
}

interface Parts {
  readonly recipe: Definition;
}

async function findParts(service: Service, trx: Transaction<Database>, input: BuildRequest): Promise<Parts> {
  const { imageRecipeArn = '', infrastructureConfigurationArn, distributionConfigurationArn } = input;
  const recipe = await findVisibleReference(service, trx, 'image-recipe', imageRecipeArn, 'imageRecipeArn');
  await findReferenced(
    trx,
    'infrastructure-configuration',
    infrastructureConfigurationArn,
    'infrastructureConfigurationArn',
  );
  if (distributionConfigurationArn !== undefined) {
    await findReferenced(
      trx,
      'distribution-configuration',
      distributionConfigurationArn,
      'distributionConfigurationArn',
    );
  }
  await resolveWorkflows(service, trx, input.workflows);
  return { recipe };
}

function settings(input: PipelineInput, { recipe }: Parts) {
  return {
    description: input.description,
    platform: recipe.document['platform'],
    enhancedImageMetadataEnabled: input.enhancedImageMetadataEnabled ?? true,
    imageRecipeArn: input.imageRecipeArn,
    infrastructureConfigurationArn: input.infrastructureConfigurationArn,
    distributionConfigurationArn: input.distributionConfigurationArn,
    imageTestsConfiguration: imageTestsConfiguration(input),
    imageScanningConfiguration: input.imageScanningConfiguration,
    status: input.status ?? 'ENABLED',
    imageTags: input.imageTags,
    schedule: withScheduleDefaults(input.schedule),
    loggingConfiguration: input.loggingConfiguration,
    workflows: input.workflows,
    executionRole: input.executionRole,
  };
}

function referencesOf(input: BuildRequest): string[] {
  const { imageRecipeArn, infrastructureConfigurationArn, distributionConfigurationArn, workflows = [] } = input;
  const references = [imageRecipeArn, infrastructureConfigurationArn, distributionConfigurationArn];
  return [...references, ...workflows.map(({ workflowArn }) => workflowArn)].filter(
    (reference) => reference !== undefined,
  );
}

export async function getImagePipeline(
  service: Service,
  input: InputOf<'GetImagePipeline'>,
): Promise<OutputOf<'GetImagePipeline'>> {
  const found = await findDefinition(service.db, KIND, input.imagePipelineArn, 'imagePipelineArn');
  return { imagePipeline: await describedPipeline(service, found) };
}

/** A pipeline with the image that it made last, and what its schedule has come to. */
export async function describedPipeline(service: Service, pipeline: Definition) {
  const last = await service.db
    .selectFrom('images')
    .select(['status', 'created_at'])
    .where('source_pipeline_arn', '=', pipeline.arn)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  return {
    ...described(pipeline),
    ...(await describedSchedule(service.db, pipeline.arn)),
    ...(last === undefined ? {} : { lastRunStatus: last.status, dateLastRun: last.created_at.toISOString() }),
  };
}

/** Images that the pipeline made stay, and builds that are under way go on. */
export async function deleteImagePipeline(
  service: Service,
  input: InputOf<'DeleteImagePipeline'>,
): Promise<OutputOf<'DeleteImagePipeline'>> {
  await deleteDefinition(service, KIND, input.imagePipelineArn, 'imagePipelineArn');
  return { imagePipelineArn: input.imagePipelineArn };
}
