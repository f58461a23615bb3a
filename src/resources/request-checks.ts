/**
 * What each operation says against a request by itself, without the database: members that exclude or need each other,
 * documents, filters, what Kiln does not have. Handlers do the same checks and go on with what is stored; this table is for
 * requests in which members are wrong already, so that one answer tells all of it (docs/decisions/037-all-problems-in-one-answer.md).
 */
import type { CheckRequest, InputOf, OperationName, Partly } from '../contract/operations.ts';
import type { SharedKind } from '../iam/sharing.ts';
import { checkCreateComponent } from './components.ts';
import { checkCreateContainerRecipe, checkListContainerRecipes } from './container-recipes.ts';
import { checkDistribution } from './distribution-configurations.ts';
import { checkCreateImage } from './image-builds.ts';
import { checkPipeline } from './image-pipelines.ts';
import { checkCreateImageRecipe } from './image-recipes.ts';
import { checkImportComponent } from './import-component.ts';
import { checkInfrastructure } from './infrastructure-configurations.ts';
import { kindOfExecuted } from './lifecycle-executions.ts';
import { checkPolicy, POLICY_FILTERS } from './lifecycle-policies.ts';
import { checkListComponents, readComponentVersionArn } from './list-components.ts';
import { CONFIGURATION_FILTERS, PIPELINE_FILTERS, RECIPE_FILTERS } from './list-definitions.ts';
import { checkListImageBuildVersions, checkListImages, PIPELINE_IMAGE_FILTERS } from './list-images.ts';
import { checkListWorkflows, readWorkflowVersionArn } from './list-workflows.ts';
import { checkFilters, type Filters, type ListRequest } from './lists.ts';
import { refusal } from './refused-operations.ts';
import { RequestProblems } from './request-problems.ts';
import { checkPutPolicy, refuseWildcards } from './resource-policies.ts';
import { checkStateUpdate } from './resource-state-updates.ts';
import { checkAggregations, FINDING_FILTERS } from './scan-findings.ts';
import type { CheckContext } from './service.ts';
import { checkCreateWorkflow } from './workflows.ts';

type Check<Input> = (context: CheckContext, input: Partly<Input>, problems: RequestProblems) => unknown;

/** For checks that need to know nothing else. */
function alone<Input>(check: (input: Partly<Input>, problems: RequestProblems) => unknown): Check<Input> {
  return (_context, input, problems) => check(input, problems);
}

function filters(known: Filters<never>): Check<ListRequest> {
  return (_context, input, problems) => checkFilters(input.filters, known, problems);
}

/** Of a member that must be an ARN which `read` accepts. */
function arn<Name extends string>(member: Name, read: (text: string) => unknown): Check<{ [Key in Name]?: string }> {
  return (_context, input, problems) => {
    const text = (input as { readonly [Key in Name]?: string | undefined })[member];
    if (text !== undefined) problems.attempt(() => read(text));
  };
}

function getPolicy<Name extends string>(member: Name): Check<{ [Key in Name]?: string }> {
  return arn(member, (text) => refuseWildcards(text, member));
}

function putPolicy<Name extends string>(
  kind: SharedKind,
  parameter: Name,
): Check<{ [Key in Name | 'policy']: string }> {
  return (_context, input, problems) => {
    const { [parameter]: target, policy } = input as { readonly [Key in Name | 'policy']?: string | undefined };
    checkPutPolicy({ kind, parameter, arn: target, policy }, problems);
  };
}

const CHECKS: { readonly [Name in OperationName]?: Check<InputOf<Name>> } = {
  CreateComponent: checkCreateComponent,
  CreateContainerRecipe: checkCreateContainerRecipe,
  CreateDistributionConfiguration: (context, input, problems) =>
    checkDistribution('CreateDistributionConfiguration', context, input, problems),
  CreateImage: checkCreateImage,
  CreateImagePipeline: (context, input, problems) => checkPipeline('CreateImagePipeline', context, input, problems),
  CreateImageRecipe: checkCreateImageRecipe,
  CreateInfrastructureConfiguration: (_context, input, problems) =>
    checkInfrastructure('CreateInfrastructureConfiguration', input, problems),
  CreateLifecyclePolicy: checkPolicy,
  CreateWorkflow: checkCreateWorkflow,
  DistributeImage: alone((_input, problems) => problems.add(refusal('DistributeImage'))),
  GetContainerRecipePolicy: getPolicy('containerRecipeArn'),
  GetImageRecipePolicy: getPolicy('imageRecipeArn'),
  GetMarketplaceResource: alone((_input, problems) => problems.add(refusal('GetMarketplaceResource'))),
  ImportComponent: checkImportComponent,
  ImportDiskImage: alone((_input, problems) => problems.add(refusal('ImportDiskImage'))),
  ImportVmImage: alone((_input, problems) => problems.add(refusal('ImportVmImage'))),
  ListComponentBuildVersions: arn('componentVersionArn', readComponentVersionArn),
  ListComponents: alone(checkListComponents),
  ListContainerRecipes: alone(checkListContainerRecipes),
  ListDistributionConfigurations: filters(CONFIGURATION_FILTERS),
  ListImageBuildVersions: alone(checkListImageBuildVersions),
  ListImagePipelineImages: filters(PIPELINE_IMAGE_FILTERS),
  ListImagePipelines: filters(PIPELINE_FILTERS),
  ListImageRecipes: filters(RECIPE_FILTERS),
  ListImageScanFindingAggregations: alone(checkAggregations),
  ListImageScanFindings: filters(FINDING_FILTERS),
  ListImages: alone(checkListImages),
  ListInfrastructureConfigurations: filters(CONFIGURATION_FILTERS),
  ListLifecycleExecutions: arn('resourceArn', kindOfExecuted),
  ListLifecyclePolicies: filters(POLICY_FILTERS),
  ListWorkflowBuildVersions: arn('workflowVersionArn', readWorkflowVersionArn),
  ListWorkflows: alone(checkListWorkflows),
  PutComponentPolicy: putPolicy('component', 'componentArn'),
  PutContainerRecipePolicy: putPolicy('container-recipe', 'containerRecipeArn'),
  PutImagePolicy: putPolicy('image', 'imageArn'),
  PutImageRecipePolicy: putPolicy('image-recipe', 'imageRecipeArn'),
  StartResourceStateUpdate: checkStateUpdate,
  UpdateDistributionConfiguration: (context, input, problems) =>
    checkDistribution('UpdateDistributionConfiguration', context, input, problems),
  UpdateImagePipeline: (context, input, problems) => checkPipeline('UpdateImagePipeline', context, input, problems),
  UpdateInfrastructureConfiguration: (_context, input, problems) =>
    checkInfrastructure('UpdateInfrastructureConfiguration', input, problems),
  UpdateLifecyclePolicy: checkPolicy,
};

export function requestChecks(context: CheckContext): CheckRequest {
  return (name, input) => {
    const problems = new RequestProblems();
    // The table was checked name by name; decoding makes the input of an operation.
    const check = CHECKS[name] as Check<object> | undefined;
    check?.(context, input, problems);
    return problems.all;
  };
}
