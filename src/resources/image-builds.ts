/** CreateImage, and how every build begins: the image, its first event and its job are written in one transaction. */
import type { Transaction } from 'kysely';
import { formatArn } from '../contract/arn.ts';
import { notYet } from '../contract/errors.ts';
import type { InputOf, OutputOf, Partly } from '../contract/operations.ts';
import { writeImageEvent } from '../state/events.ts';
import { nextBuild } from '../state/next-build.ts';
import type { Database, ImagesTable } from '../state/tables.ts';
import { type BuildRequest, checkBuildRequest, findBuildParts, imageTestsConfiguration } from './build-requests.ts';
import { type Definition, described, ownArn } from './definitions.ts';
import { changeOnce } from './idempotency.ts';
import { latestVersionReferences } from './latest-version-references.ts';
import { checkLogGroup } from './log-groups.ts';
import { pinnedRecipe } from './pinned-recipe.ts';
import type { Dependencies } from './pipeline-dependencies.ts';
import { checkBuildQuota } from './quotas.ts';
import { RequestProblems } from './request-problems.ts';
import type { CheckContext, Service } from './service.ts';
import { versionNodes } from './versions.ts';

/** Reports what is wrong with the request. */
export function checkCreateImage(
  _context: CheckContext,
  input: Partly<InputOf<'CreateImage'>>,
  problems: RequestProblems,
): void {
  checkBuildRequest('CreateImage', input, problems);
  const logGroup = input.loggingConfiguration?.logGroupName;
  checkLogGroup('loggingConfiguration.logGroupName', logGroup, input.executionRole, problems);
}

/** Asks for one build without a pipeline. Answers at once; the build goes on in the worker. */
export async function createImage(service: Service, input: InputOf<'CreateImage'>): Promise<OutputOf<'CreateImage'>> {
  const problems = new RequestProblems();
  checkCreateImage(service, input, problems);
  return changeOnce(service, 'CreateImage', input, async (trx) => {
    const { tags = {}, loggingConfiguration } = input;
    const origin = { buildType: 'USER_INITIATED', tags, loggingConfiguration } as const;
    const arn = await insertImage(service, trx, input, origin, problems);
    return { imageBuildVersionArn: arn, latestVersionReferences: latestVersionReferences(arn) };
  });
}

/** What an image is built for. */
export interface BuildOrigin {
  readonly buildType: 'USER_INITIATED' | 'SCHEDULED';
  readonly tags: Readonly<Record<string, string>>;
  readonly loggingConfiguration?: { readonly logGroupName?: string | undefined } | undefined;
  readonly pipeline?: Definition;
  /** The slot of the pipeline's schedule. */
  readonly slot?: Date;
  readonly dependencies?: Dependencies;
}

/**
 * Inserts the image with copies of its definitions, so that it stays what was asked for when they change or go, and
 * queues its build. Throws everything that is wrong with what the request names, with the problems that are known.
 */
export async function insertImage(
  service: Service,
  trx: Transaction<Database>,
  request: BuildRequest,
  origin: BuildOrigin,
  problems = new RequestProblems(),
): Promise<string> {
  const { buildType, tags, loggingConfiguration, pipeline, slot, dependencies } = origin;
  const parts = await findBuildParts(service, trx, request, problems, { keep: false });
  const { recipe, infrastructure, distribution, workflows } = parts;
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
      build_type: buildType,
      platform,
      os_version: null,
      image_recipe: JSON.stringify(await pinnedRecipe(service, trx, described(recipe))),
      infrastructure_configuration: JSON.stringify(described(infrastructure)),
      distribution_configuration: distribution === undefined ? null : JSON.stringify(described(distribution)),
      image_tests_configuration: JSON.stringify(imageTestsConfiguration(request)),
      enhanced_image_metadata_enabled: request.enhancedImageMetadataEnabled ?? true,
      workflows: workflows === undefined ? null : JSON.stringify(workflows),
      execution_role: request.executionRole ?? null,
      source_pipeline_arn: pipeline?.arn ?? null,
      source_pipeline_name: pipeline?.name ?? null,
      logging_configuration: loggingConfiguration === undefined ? null : JSON.stringify(loggingConfiguration),
      schedule_slot: slot ?? null,
      dependencies: dependencies === undefined ? null : JSON.stringify(dependencies),
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
