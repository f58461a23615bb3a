/** How a pipeline's execution begins, whoever asks for it: a caller, its schedule, or a rule. */
import type { PipelineLoggingConfiguration } from '@aws-sdk/client-imagebuilder';
import type { Transaction } from 'kysely';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import type { LoggedPipeline } from '../state/log-place.ts';
import { writePipelineLog } from '../state/pipeline-log.ts';
import type { Database } from '../state/tables.ts';
import type { BuildRequest } from './build-requests.ts';
import { type Definition, findReferenced } from './definitions.ts';
import { changeOnce } from './idempotency.ts';
import { type BuildOrigin, insertImage } from './image-builds.ts';
import { resolveDependencies } from './pipeline-dependencies.ts';
import type { Service } from './service.ts';
import { findVisible } from './sharing.ts';
import { checkTagCount } from './tags.ts';

/** Builds whether the pipeline is enabled or not, and whatever its start condition is: they concern the schedule only. */
export async function startImagePipelineExecution(
  service: Service,
  input: InputOf<'StartImagePipelineExecution'>,
): Promise<OutputOf<'StartImagePipelineExecution'>> {
  return changeOnce(service, 'StartImagePipelineExecution', input, async (trx) => {
    const pipeline = await findReferenced(trx, 'image-pipeline', input.imagePipelineArn, 'imagePipelineArn');
    const arn = await startPipeline(service, trx, pipeline, {
      buildType: 'USER_INITIATED',
      tags: input.tags,
      because: 'StartImagePipelineExecution asked for it',
    });
    return { imageBuildVersionArn: arn };
  });
}

/**
 * As {@link startImagePipelineExecution}, for an event that a rule sends to a pipeline: at most one execution per `token`.
 * Source: User Guide, "Amazon EventBridge integration": such executions count as scheduled ones, but always build.
 */
export async function startPipelineForEvent(
  service: Service,
  request: { readonly imagePipelineArn: string; readonly token: string; readonly rule: string },
): Promise<void> {
  const { imagePipelineArn, rule } = request;
  const once = { imagePipelineArn, clientToken: request.token, rule };
  await changeOnce(service, 'StartImagePipelineExecution', once, async (trx) => {
    const pipeline = await findReferenced(trx, 'image-pipeline', imagePipelineArn, 'imagePipelineArn');
    const because = `an event matched the rule ${rule}`;
    return { imageBuildVersionArn: await startPipeline(service, trx, pipeline, { buildType: 'SCHEDULED', because }) };
  });
}

export interface PipelineStart {
  readonly buildType: BuildOrigin['buildType'];
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** For the pipeline's log. */
  readonly because: string;
  readonly slot?: Date;
}

export type PipelineRequest = BuildRequest & {
  readonly imageTags?: Readonly<Record<string, string>>;
  readonly loggingConfiguration?: PipelineLoggingConfiguration;
};

/** Inserts the image and says so in the pipeline's log. The caller keeps the pipeline from being deleted meanwhile. */
export async function startPipeline(
  service: Service,
  trx: Transaction<Database>,
  pipeline: Definition,
  start: PipelineStart,
): Promise<string> {
  const request = pipeline.document as unknown as PipelineRequest;
  const tags = { ...request.imageTags, ...start.tags };
  checkTagCount('tags', tags);
  const logGroupName = request.loggingConfiguration?.imageLogGroupName;
  const recipe = await findVisible(service, trx, 'image-recipe', request.imageRecipeArn ?? '', 'imageRecipeArn');
  const arn = await insertImage(service, trx, request, {
    buildType: start.buildType,
    tags,
    pipeline,
    loggingConfiguration: logGroupName === undefined ? undefined : { logGroupName },
    dependencies: await resolveDependencies(service, trx, recipe),
    ...(start.slot === undefined ? {} : { slot: start.slot }),
  });
  const message = `Execution started: ${arn}, because ${start.because}`;
  await writePipelineLog(trx, loggedPipeline(pipeline), message, service.clock.now());
  return arn;
}

export function loggedPipeline(pipeline: Definition): LoggedPipeline {
  const { loggingConfiguration } = pipeline.document as unknown as PipelineRequest;
  return {
    accountId: pipeline.account_id,
    name: pipeline.name,
    groupName: loggingConfiguration?.pipelineLogGroupName,
  };
}
