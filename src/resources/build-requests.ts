/** What CreateImage and pipelines have in common: which image to build, where, and how to test it. */
import type { ImageTestsConfiguration, WorkflowConfiguration } from '@aws-sdk/client-imagebuilder';
import type { Transaction } from 'kysely';
import type { Partly, Validated } from '../contract/operations.ts';
import type { Database, WorkflowConfigurationRecord } from '../state/tables.ts';
import { type Definition, findDefinition, findReferenced } from './definitions.ts';
import { notExactlyOne } from './refusals.ts';
import type { RequestProblems } from './request-problems.ts';
import type { Service } from './service.ts';
import { findVisibleReference } from './sharing.ts';
import { reportUnsupportedMembers } from './unsupported-members.ts';
import { checkWorkflowList, resolveWorkflows } from './workflow-configurations.ts';

export interface BuildRequest {
  readonly imageRecipeArn?: string | undefined;
  readonly containerRecipeArn?: string | undefined;
  readonly infrastructureConfigurationArn: string;
  readonly distributionConfigurationArn?: string | undefined;
  readonly imageTestsConfiguration?: ImageTestsConfiguration | undefined;
  readonly enhancedImageMetadataEnabled?: boolean | undefined;
  readonly workflows?: readonly Validated<WorkflowConfiguration>[] | undefined;
  readonly executionRole?: string | undefined;
}

/** Reports what is wrong with it by itself. */
export function checkBuildRequest(
  operation: 'CreateImage' | 'CreateImagePipeline' | 'UpdateImagePipeline',
  request: Partly<BuildRequest>,
  problems: RequestProblems,
): void {
  reportUnsupportedMembers(operation, request, problems);
  if ((request.imageRecipeArn === undefined) === (request.containerRecipeArn === undefined)) {
    problems.add(notExactlyOne('imageRecipeArn', 'containerRecipeArn'));
  }
  checkWorkflowList(request.workflows, request.executionRole, problems);
}

/** What a request names. */
export interface BuildParts {
  readonly recipe: Definition;
  readonly infrastructure: Definition;
  readonly distribution: Definition | undefined;
  /** With the ARNs of the build versions that they mean now; undefined for the managed ones. */
  readonly workflows: readonly WorkflowConfigurationRecord[] | undefined;
}

/**
 * Finds all of it. Throws everything of it that is not there or does not fit, with the problems that are known.
 *
 * @param keep whether configurations must stay as long as the request names them; a build has copies
 */
export async function findBuildParts(
  service: Service,
  trx: Transaction<Database>,
  request: BuildRequest,
  problems: RequestProblems,
  { keep }: { readonly keep: boolean },
): Promise<BuildParts> {
  const { imageRecipeArn, infrastructureConfigurationArn, distributionConfigurationArn } = request;
  const find = keep ? findReferenced : findDefinition;
  const recipe = await problems.collect(async () =>
    imageRecipeArn === undefined
      ? undefined
      : findVisibleReference(service, trx, 'image-recipe', imageRecipeArn, 'imageRecipeArn'),
  );
  const infrastructure = await problems.collect(() =>
    find(trx, 'infrastructure-configuration', infrastructureConfigurationArn, 'infrastructureConfigurationArn'),
  );
  const distribution = await problems.collect(async () =>
    distributionConfigurationArn === undefined
      ? undefined
      : find(trx, 'distribution-configuration', distributionConfigurationArn, 'distributionConfigurationArn'),
  );
  const workflows = await resolveWorkflows(service, trx, request.workflows ?? [], problems);
  problems.throwIfAny();
  // Without problems there are a recipe and an infrastructure.
  return { recipe, infrastructure, distribution, workflows } as BuildParts;
}

/** With AWS's defaults. The timeout has no effect, there or here. */
export function imageTestsConfiguration({ imageTestsConfiguration: given }: BuildRequest): {
  imageTestsEnabled: boolean;
  timeoutMinutes: number;
} {
  return { imageTestsEnabled: given?.imageTestsEnabled ?? true, timeoutMinutes: given?.timeoutMinutes ?? 720 };
}
