import type { InputOf, OutputOf, Partly } from '../contract/operations.ts';
import {
  type BuildParts,
  type BuildRequest,
  checkBuildRequest,
  findBuildParts,
  imageTestsConfiguration,
} from './build-requests.ts';
import {
  type Definition,
  described,
  findDefinition,
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
import { RequestProblems } from './request-problems.ts';
import type { CheckContext, Service } from './service.ts';

const KIND = 'image-pipeline';

/** Wildcards in its recipe stay as written. */
export async function createImagePipeline(
  service: Service,
  input: InputOf<'CreateImagePipeline'>,
): Promise<OutputOf<'CreateImagePipeline'>> {
  const problems = new RequestProblems();
  checkPipeline('CreateImagePipeline', service, input, problems);
  const now = service.clock.now();
  return changeOnce(service, 'CreateImagePipeline', input, async (trx) => {
    const parts = await findBuildParts(service, trx, input, problems, { keep: true });
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
  const problems = new RequestProblems();
  checkPipeline('UpdateImagePipeline', service, input, problems);
  const now = service.clock.now();
  return changeOnce(service, 'UpdateImagePipeline', input, async (trx) => {
    const { imagePipelineArn: arn } = input;
    const pipeline = await problems.collect(() => lockDefinition(trx, KIND, arn, 'imagePipelineArn'));
    const parts = await findBuildParts(service, trx, input, problems, { keep: true });
    // Without problems it is there.
    const { document, created_at } = pipeline as Definition;
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

/** Reports what is wrong with a request to create or update. */
export function checkPipeline(
  operation: 'CreateImagePipeline' | 'UpdateImagePipeline',
  { clock }: Pick<CheckContext, 'clock'>,
  input: Partly<PipelineInput>,
  problems: RequestProblems,
): void {
  checkBuildRequest(operation, input, problems);
  checkSchedule(input.schedule, clock.now(), problems);
  const { imageLogGroupName, pipelineLogGroupName } = input.loggingConfiguration ?? {};
  const { executionRole } = input;
  checkLogGroup('loggingConfiguration.imageLogGroupName', imageLogGroupName, executionRole, problems);
  checkLogGroup('loggingConfiguration.pipelineLogGroupName', pipelineLogGroupName, executionRole, problems);
}

function scheduled(arn: string, { schedule, status }: PipelineInput, createdAt: Date): ScheduledPipeline {
  return { arn, schedule, enabled: status !== 'DISABLED', createdAt };
}

function settings(input: PipelineInput, { recipe }: BuildParts) {
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
