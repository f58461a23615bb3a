import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import * as ImageBuilder from '@aws-sdk/client-imagebuilder';
import { componentData } from '../../src/resources/test-service.ts';
import type { Store } from '../../src/state/open-store.ts';
import { openTestStore } from '../../src/state/test-store.ts';
import {
  ARN_PREFIX,
  DOCKERFILE,
  LIFECYCLE_RULES,
  PARENT_IMAGE,
  serveOperations,
  WORKFLOW,
} from './served-operations.ts';

const AMI = 'ami-0aaaaaaaaaaaaaaaa';
const OTHER_ACCOUNT = '999999999999';

/** What a build would have left: an AVAILABLE image with an AMI, packages, and a workflow with a step. */
async function finishBuild(store: Store, imageArn: string): Promise<{ workflowId: string; stepId: string }> {
  const { db } = store;
  const at = new Date('2026-11-23T10:05:00Z');
  await db
    .updateTable('images')
    .set({
      status: 'AVAILABLE',
      output_resources: JSON.stringify({ amis: [{ region: 'eu-north-7', image: AMI, name: 'web' }] }),
    })
    .where('arn', '=', imageArn)
    .execute();
  for (const position of [0, 1, 2]) {
    await db
      .insertInto('image_packages')
      .values({ image_arn: imageArn, position, package_name: `package-${position}`, package_version: '1' })
      .execute();
  }
  const workflows = [0, 1].map(() => `wf-${randomUUID()}`);
  for (const [position, id] of workflows.entries()) {
    await db
      .insertInto('workflow_executions')
      .values({
        ...{ id, image_arn: imageArn, type: 'BUILD', status: 'COMPLETED', message: null, total_step_count: 1 },
        workflow_arn: 'arn:aws:imagebuilder:eu-north-7:aws:workflow/build/build-image/1.0.0/1',
        ...{ position, parallel_group: null, started_at: at, ended_at: at },
      })
      .execute();
  }
  const [workflowId = ''] = workflows;
  const steps = [0, 1].map(() => `step-${randomUUID()}`);
  for (const [position, id] of steps.entries()) {
    await db
      .insertInto('workflow_step_executions')
      .values({
        ...{ id, workflow_execution_id: workflowId, image_arn: imageArn, name: 'Launch', description: null },
        ...{ action: 'LaunchInstance', status: 'COMPLETED', rollback_status: null, message: null, inputs: '{}' },
        ...{ outputs: null, on_failure: 'Abort', timeout_seconds: 60, attempt_number: 1, max_attempts: 1, position },
        ...{ started_at: at, ended_at: at },
      })
      .execute();
  }
  return { workflowId, stepId: steps[0] ?? '' };
}

function sharingPolicy(resource: string, ...actions: string[]): string {
  const statement = { Effect: 'Allow', Principal: { AWS: [OTHER_ACCOUNT] }, Action: actions, Resource: [resource] };
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
}

const NOBODY = JSON.stringify({ Version: '2012-10-17', Statement: [] });

type ErrorClass = new (...args: never[]) => ImageBuilder.ImagebuilderServiceException;

/** Rejects with the SDK's own class of the error and this HTTP status. */
async function refused(answer: Promise<unknown>, Type: ErrorClass, status: number, message: RegExp): Promise<void> {
  await assert.rejects(answer, (error: unknown) => {
    assert.ok(error instanceof Type, `${Type.name}: ${String(error)}`);
    assert.equal(error.$metadata.httpStatusCode, status);
    assert.match(error.message, message);
    return true;
  });
}

describe('the AWS SDK for JavaScript', () => {
  it('calls all 77 operations, pages through every list and meets typed errors', async () => {
    await using store = await openTestStore();
    const removed: string[] = [];
    await using served = await serveOperations(store, { amis: { remove: async (id) => void removed.push(id) } });
    const { sdk, called } = served;
    const { InvalidRequestException, ResourceDependencyException, ResourceNotFoundException } = ImageBuilder;

    // Components
    const component = { semanticVersion: '1.0.0', platform: 'Linux', data: componentData() } as const;
    const { componentBuildVersionArn = '' } = await sdk.createComponent({ ...component, name: 'nginx' });
    await sdk.createComponent({ ...component, name: 'nginx', data: componentData('again') });
    await sdk.createComponent({ ...component, name: 'curl' });
    const imported = await sdk.importComponent({
      ...{ name: 'script', semanticVersion: '1.0.0', type: 'TEST', format: 'SHELL', platform: 'Linux' },
      data: '#!/bin/sh\nset -eu\necho "{{ not ours }}"\n',
    });
    const script = await sdk.getComponent({ componentBuildVersionArn: imported.componentBuildVersionArn });
    assert.equal(script.component?.type, 'TEST');
    assert.equal((await sdk.listComponents({})).componentVersionList?.length, 3);
    assert.equal((await sdk.listComponentBuildVersions({})).componentSummaryList?.length, 4);
    const componentPolicy = sharingPolicy(componentBuildVersionArn, 'imagebuilder:GetComponent');
    await sdk.putComponentPolicy({ componentArn: componentBuildVersionArn, policy: componentPolicy });
    const policy = await sdk.getComponentPolicy({ componentArn: componentBuildVersionArn });
    assert.equal(policy.policy, componentPolicy);
    await refused(
      sdk.deleteComponent({ componentBuildVersionArn }),
      ResourceDependencyException,
      400,
      /shares it with 999999999999/,
    );
    await sdk.putComponentPolicy({ componentArn: componentBuildVersionArn, policy: NOBODY });

    // Recipes
    const recipe = { parentImage: PARENT_IMAGE, components: [{ componentArn: componentBuildVersionArn }] };
    const { imageRecipeArn = '' } = await sdk.createImageRecipe({ ...recipe, name: 'web', semanticVersion: '1.0.x' });
    assert.equal(imageRecipeArn, `${ARN_PREFIX}image-recipe/web/1.0.0`);
    await sdk.createImageRecipe({ ...recipe, name: 'web', semanticVersion: '1.0.x' });
    const found = await sdk.getImageRecipe({ imageRecipeArn: `${ARN_PREFIX}image-recipe/web/x.x.x` });
    assert.equal(found.imageRecipe?.version, '1.0.1');
    assert.equal((await sdk.listImageRecipes({})).imageRecipeSummaryList?.length, 2);
    await refused(
      sdk.deleteComponent({ componentBuildVersionArn }),
      ResourceDependencyException,
      400,
      /It is needed by .*image-recipe\/web\/1\.0\.0, .*image-recipe\/web\/1\.0\.1\./,
    );
    await sdk.putImageRecipePolicy({ imageRecipeArn, policy: NOBODY });
    assert.equal((await sdk.getImageRecipePolicy({ imageRecipeArn })).policy, NOBODY);
    const container = {
      containerType: 'DOCKER',
      ...{ name: 'web', parentImage: 'debian:12', dockerfileTemplateData: DOCKERFILE },
      components: [{ componentArn: componentBuildVersionArn }],
      targetRepository: { service: 'ECR', repositoryName: 'web' },
    } satisfies Omit<ImageBuilder.CreateContainerRecipeCommandInput, 'clientToken' | 'semanticVersion'>;
    const { containerRecipeArn = '' } = await sdk.createContainerRecipe({ ...container, semanticVersion: '1.x.0' });
    await sdk.createContainerRecipe({ ...container, semanticVersion: '1.x.0' });
    const got = await sdk.getContainerRecipe({ containerRecipeArn });
    assert.equal(got.containerRecipe?.dockerfileTemplateData, DOCKERFILE);
    assert.equal((await sdk.listContainerRecipes({})).containerRecipeSummaryList?.length, 2);
    await sdk.putContainerRecipePolicy({ containerRecipeArn, policy: NOBODY });
    assert.equal((await sdk.getContainerRecipePolicy({ containerRecipeArn })).policy, NOBODY);

    // Configurations
    const infra = await sdk.createInfrastructureConfiguration({ name: 'infra', instanceProfileName: 'profile' });
    const { infrastructureConfigurationArn = '' } = infra;
    await sdk.createInfrastructureConfiguration({ name: 'other infra', instanceProfileName: 'profile' });
    await sdk.updateInfrastructureConfiguration({ infrastructureConfigurationArn, instanceProfileName: 'new' });
    const updated = await sdk.getInfrastructureConfiguration({ infrastructureConfigurationArn });
    assert.equal(updated.infrastructureConfiguration?.instanceProfileName, 'new');
    assert.equal((await sdk.listInfrastructureConfigurations({})).infrastructureConfigurationSummaryList?.length, 2);
    const distributions = [
      { region: 'eu-north-7', amiDistributionConfiguration: { name: 'web {{ imagebuilder:buildDate }}' } },
    ];
    const { distributionConfigurationArn = '' } = await sdk.createDistributionConfiguration({
      ...{ name: 'here', distributions },
    });
    await sdk.createDistributionConfiguration({ name: 'there', distributions });
    await sdk.updateDistributionConfiguration({ distributionConfigurationArn, distributions, description: 'new' });
    const distribution = await sdk.getDistributionConfiguration({ distributionConfigurationArn });
    assert.equal(distribution.distributionConfiguration?.description, 'new');
    assert.equal((await sdk.listDistributionConfigurations({})).distributionConfigurationSummaryList?.length, 2);

    // Workflows
    const workflow = { semanticVersion: '1.0.0', type: 'TEST', data: WORKFLOW } as const;
    const { workflowBuildVersionArn = '' } = await sdk.createWorkflow({ ...workflow, name: 'check' });
    await sdk.createWorkflow({ ...workflow, name: 'check', description: 'new' });
    await sdk.createWorkflow({ ...workflow, name: 'check', semanticVersion: '1.1.0' });
    const parsed = await sdk.getWorkflow({ workflowBuildVersionArn });
    assert.deepEqual(parsed.workflow?.parameters, [{ name: 'size', type: 'integer', defaultValue: ['3'] }]);
    assert.equal((await sdk.listWorkflows({})).workflowVersionList?.length, 2);
    const managed = await sdk.listWorkflows({ owner: 'Amazon' });
    assert.deepEqual(
      managed.workflowVersionList?.map(({ name, owner }) => [name, owner]),
      [['build-image', 'Amazon']],
    );
    const builds = { workflowVersionArn: `${ARN_PREFIX}workflow/test/check/1.x.x` };
    assert.equal((await sdk.listWorkflowBuildVersions(builds)).workflowSummaryList?.length, 3);

    // Pipelines and images
    const parts = { imageRecipeArn, infrastructureConfigurationArn };
    const { imagePipelineArn = '' } = await sdk.createImagePipeline({ ...parts, name: 'nightly' });
    await sdk.createImagePipeline({ ...parts, name: 'weekly' });
    await sdk.updateImagePipeline({ ...parts, imagePipelineArn, description: 'new', distributionConfigurationArn });
    assert.equal((await sdk.getImagePipeline({ imagePipelineArn })).imagePipeline?.description, 'new');
    assert.equal((await sdk.listImagePipelines({})).imagePipelineList?.length, 2);
    const { imageBuildVersionArn = '' } = await sdk.createImage(parts);
    const started = await sdk.startImagePipelineExecution({ imagePipelineArn });
    await sdk.startImagePipelineExecution({ imagePipelineArn });
    assert.equal((await sdk.listImagePipelineImages({ imagePipelineArn })).imageSummaryList?.length, 2);
    const cancelled = started.imageBuildVersionArn ?? '';
    await sdk.cancelImageCreation({ imageBuildVersionArn: cancelled });
    assert.equal((await sdk.getImage({ imageBuildVersionArn: cancelled })).image?.state?.status, 'CANCELLED');
    const { workflowId, stepId } = await finishBuild(store, imageBuildVersionArn);
    assert.equal((await sdk.listImages({})).imageVersionList?.length, 1);
    assert.equal((await sdk.listImageBuildVersions({})).imageSummaryList?.length, 3);
    assert.equal((await sdk.listImagePackages({ imageBuildVersionArn })).imagePackageList?.length, 3);
    assert.equal((await sdk.listWorkflowExecutions({ imageBuildVersionArn })).workflowExecutions?.length, 2);
    assert.equal((await sdk.getWorkflowExecution({ workflowExecutionId: workflowId })).status, 'COMPLETED');
    const steps = await sdk.listWorkflowStepExecutions({ workflowExecutionId: workflowId });
    assert.equal(steps.steps?.length, 2);
    assert.equal((await sdk.getWorkflowStepExecution({ stepExecutionId: stepId })).action, 'LaunchInstance');
    assert.deepEqual((await sdk.listWaitingWorkflowSteps({})).steps, []);
    const action = { stepExecutionId: stepId, imageBuildVersionArn, action: 'RESUME' } as const;
    await refused(sdk.sendWorkflowStepAction(action), InvalidRequestException, 400, /does not wait for an action/);
    assert.deepEqual((await sdk.listImageScanFindings({})).findings, []);
    const aggregations = await sdk.listImageScanFindingAggregations({});
    assert.deepEqual([aggregations.aggregationType, aggregations.responses], ['accountId', []]);
    await sdk.putImagePolicy({ imageArn: imageBuildVersionArn, policy: NOBODY });
    assert.equal((await sdk.getImagePolicy({ imageArn: imageBuildVersionArn })).policy, NOBODY);

    await refused(
      sdk.retryImage({ imageBuildVersionArn: cancelled }),
      InvalidRequestException,
      400,
      /ended in PENDING/,
    );

    // What is not there yet
    const distribute = { sourceImage: AMI, distributionConfigurationArn, executionRole: 'role' };
    await refused(sdk.distributeImage(distribute), InvalidRequestException, 400, /DistributeImage/);
    const version = { name: 'import', semanticVersion: '1.0.0', platform: 'Linux' } as const;
    const vm = sdk.importVmImage({ ...version, vmImportTaskId: 'import-ami-1' });
    await refused(vm, InvalidRequestException, 400, /ImportVmImage/);
    const iso = { ...version, osVersion: 'Microsoft Windows 11', infrastructureConfigurationArn, uri: 's3://b/w.iso' };
    await refused(sdk.importDiskImage(iso), InvalidRequestException, 400, /ImportDiskImage/);
    const marketplace = { resourceType: 'COMPONENT_DATA', resourceArn: componentBuildVersionArn } as const;
    await refused(sdk.getMarketplaceResource(marketplace), InvalidRequestException, 400, /AWS Marketplace/);

    // Lifecycle
    await refused(
      sdk.createLifecyclePolicy({ name: 'old images', ...LIFECYCLE_RULES }),
      InvalidRequestException,
      400,
      /carrying out lifecycle policies/,
    );
    const rules = { ...LIFECYCLE_RULES, status: 'DISABLED' } as const;
    const { lifecyclePolicyArn = '' } = await sdk.createLifecyclePolicy({ name: 'old images', ...rules });
    await sdk.createLifecyclePolicy({ name: 'older images', ...rules });
    await sdk.updateLifecyclePolicy({ lifecyclePolicyArn, ...rules, description: 'new' });
    const { lifecyclePolicy } = await sdk.getLifecyclePolicy({ lifecyclePolicyArn });
    assert.ok(lifecyclePolicy?.dateCreated instanceof Date);
    assert.deepEqual(lifecyclePolicy.policyDetails, LIFECYCLE_RULES.policyDetails);
    assert.equal((await sdk.listLifecyclePolicies({})).lifecyclePolicySummaryList?.length, 2);
    assert.deepEqual((await sdk.listLifecycleExecutions({ resourceArn: lifecyclePolicyArn })).lifecycleExecutions, []);
    const resourceArn = imageBuildVersionArn;
    await sdk.startResourceStateUpdate({ resourceArn, state: { status: 'DEPRECATED' } });
    assert.ok((await sdk.getImage({ imageBuildVersionArn })).image?.deprecationTime instanceof Date);
    const deletion = await sdk.startResourceStateUpdate({
      ...{ resourceArn, state: { status: 'DELETED' }, executionRole: 'role' },
      includeResources: { amis: true, snapshots: true },
    });
    assert.deepEqual(removed, [AMI]);
    const lifecycleExecutionId = deletion.lifecycleExecutionId ?? '';
    const execution = await sdk.getLifecycleExecution({ lifecycleExecutionId });
    assert.equal(execution.lifecycleExecution?.state?.status, 'SUCCESS');
    assert.equal((await sdk.listLifecycleExecutions({ resourceArn })).lifecycleExecutions?.length, 2);
    const resources = await sdk.listLifecycleExecutionResources({
      ...{ lifecycleExecutionId, parentResourceId: imageBuildVersionArn },
    });
    assert.equal(resources.resources?.[0]?.resourceId, AMI);
    const cancel = sdk.cancelLifecycleExecution({ lifecycleExecutionId });
    await refused(cancel, InvalidRequestException, 400, /it has ended \(SUCCESS\)/);

    // Tags
    await sdk.tagResource({ resourceArn: workflowBuildVersionArn, tags: { team: 'web', stage: 'test' } });
    await sdk.untagResource({ resourceArn: workflowBuildVersionArn, tagKeys: ['team'] });
    const tags = await sdk.listTagsForResource({ resourceArn: workflowBuildVersionArn });
    assert.deepEqual(tags.tags, { stage: 'test' });

    await pageThroughEverything(sdk, { imageBuildVersionArn, imagePipelineArn, workflowId, lifecycleExecutionId });

    // Deletes, in the order of what depends on what
    const pipelines = (await sdk.listImagePipelines({})).imagePipelineList ?? [];
    await refused(
      sdk.deleteImageRecipe({ imageRecipeArn }),
      ResourceDependencyException,
      400,
      /image-pipeline\/nightly, .*image-pipeline\/weekly/,
    );
    for (const { arn } of pipelines) await sdk.deleteImagePipeline({ imagePipelineArn: arn });
    for (const { arn } of (await sdk.listImageBuildVersions({})).imageSummaryList ?? []) {
      const { image } = await sdk.getImage({ imageBuildVersionArn: arn });
      if (image?.state?.status === 'PENDING') await sdk.cancelImageCreation({ imageBuildVersionArn: arn });
      await sdk.deleteImage({ imageBuildVersionArn: arn });
    }
    for (const { arn } of (await sdk.listImageRecipes({})).imageRecipeSummaryList ?? []) {
      await sdk.deleteImageRecipe({ imageRecipeArn: arn });
    }
    for (const { arn } of (await sdk.listContainerRecipes({})).containerRecipeSummaryList ?? []) {
      await sdk.deleteContainerRecipe({ containerRecipeArn: arn });
    }
    await sdk.deleteComponent({ componentBuildVersionArn });
    await sdk.deleteInfrastructureConfiguration({ infrastructureConfigurationArn });
    await sdk.deleteDistributionConfiguration({ distributionConfigurationArn });
    await sdk.deleteWorkflow({ workflowBuildVersionArn });
    await sdk.deleteLifecyclePolicy({ lifecyclePolicyArn });
    // One after the other: a refusal that nobody waits for yet would count as nobody's.
    for (const ask of [
      () => sdk.getComponent({ componentBuildVersionArn }),
      () => sdk.getWorkflow({ workflowBuildVersionArn }),
      () => sdk.getLifecyclePolicy({ lifecyclePolicyArn }),
      () => sdk.getContainerRecipe({ containerRecipeArn }),
      () => sdk.getImage({ imageBuildVersionArn }),
    ]) {
      await refused(ask(), ResourceNotFoundException, 404, /does not exist/);
    }

    const operations = Object.keys(ImageBuilder).flatMap((name) => /^([A-Z]\w+)Command$/.exec(name)?.[1] ?? []);
    assert.equal(operations.length, 77);
    assert.deepEqual(
      operations.filter((name) => !called.has(name)),
      [],
    );
  });

  it('is given its own error classes, with the status of each', async () => {
    await using store = await openTestStore();
    await using served = await serveOperations(store);
    const { sdk } = served;
    const infra = { name: 'infra', instanceProfileName: 'profile' };
    const dryRun = sdk.createComponent({
      ...{ name: 'nginx', semanticVersion: '1.0.0', platform: 'Linux', data: componentData(), dryRun: true },
    });
    await refused(dryRun, ImageBuilder.DryRunOperationException, 412, /would have succeeded/);
    assert.deepEqual((await sdk.listComponents({})).componentVersionList, []);
    await sdk.createInfrastructureConfiguration({ ...infra, clientToken: 'one' });
    await refused(
      sdk.createInfrastructureConfiguration({ ...infra, name: 'other', clientToken: 'one' }),
      ImageBuilder.IdempotentParameterMismatchException,
      400,
      /'one' was used before/,
    );
    await refused(
      sdk.createInfrastructureConfiguration(infra),
      ImageBuilder.ResourceAlreadyExistsException,
      400,
      /^The following resource 'InfrastructureConfiguration' already exists: '/,
    );
    await refused(
      sdk.createComponent({ name: 'a', semanticVersion: '1.x', platform: 'Linux', data: componentData() }),
      ImageBuilder.InvalidParameterValueException,
      400,
      /parameter 'name'.*\n.*parameter 'semanticVersion' is not valid\. semanticVersion must match pattern/,
    );
    await refused(
      sdk.createComponent({
        name: 'nginx',
        semanticVersion: '1073741824.0.0',
        platform: 'Linux',
        data: componentData(),
      }),
      ImageBuilder.InvalidVersionNumberException,
      400,
      /0 to 1073741823/,
    );
    await refused(
      sdk.createComponent({ name: 'nginx', semanticVersion: '1.0.0', platform: 'Linux' }),
      ImageBuilder.InvalidParameterCombinationException,
      400,
      /Exactly one of the parameters 'data' and 'uri'/,
    );
    await refused(sdk.listImages({ nextToken: 'made up' }), ImageBuilder.InvalidPaginationTokenException, 400, /./);
    await refused(
      sdk.tagResource({ resourceArn: 'arn:aws:s3:::bucket', tags: { a: 'b' } }),
      ImageBuilder.InvalidParameterException,
      400,
      /resourceArn/,
    );
  });
});

interface Known {
  readonly imageBuildVersionArn: string;
  readonly imagePipelineArn: string;
  readonly workflowId: string;
  readonly lifecycleExecutionId: string;
}

/** Each paginator, one item a page, gives as many items as the list has. */
async function pageThroughEverything(sdk: ImageBuilder.Imagebuilder, known: Known): Promise<void> {
  const inputs: Readonly<Record<string, object>> = {
    ListImagePackages: { imageBuildVersionArn: known.imageBuildVersionArn },
    ListImagePipelineImages: { imagePipelineArn: known.imagePipelineArn },
    ListWorkflowExecutions: { imageBuildVersionArn: known.imageBuildVersionArn },
    ListWorkflowStepExecutions: { workflowExecutionId: known.workflowId },
    ListLifecycleExecutions: { resourceArn: known.imageBuildVersionArn },
    ListLifecycleExecutionResources: { lifecycleExecutionId: known.lifecycleExecutionId },
  };
  /** Items of the lists that have more than one. */
  const sizes: Readonly<Record<string, number>> = {
    ListComponents: 3,
    ListComponentBuildVersions: 4,
    ListContainerRecipes: 2,
    ListDistributionConfigurations: 2,
    ListImageBuildVersions: 3,
    ListImagePackages: 3,
    ListImagePipelineImages: 2,
    ListImagePipelines: 2,
    ListImageRecipes: 2,
    ListImages: 1,
    ListInfrastructureConfigurations: 2,
    ListLifecycleExecutionResources: 1,
    ListLifecycleExecutions: 2,
    ListLifecyclePolicies: 2,
    ListWorkflowBuildVersions: 3,
    ListWorkflowExecutions: 2,
    ListWorkflowStepExecutions: 2,
    ListWorkflows: 2,
    ListImageScanFindingAggregations: 0,
    ListImageScanFindings: 0,
    ListWaitingWorkflowSteps: 0,
  };
  type Paginate = (config: object, input: object) => AsyncIterable<Record<string, unknown>>;
  const paginators = Object.entries(ImageBuilder).filter(([name]) => name.startsWith('paginate'));
  assert.equal(paginators.length, 21);
  for (const [exported, paginate] of paginators) {
    const name = exported.slice('paginate'.length);
    const pageSize = name === 'ListImageScanFindingAggregations' ? {} : { pageSize: 1 };
    const items: string[] = [];
    for await (const page of (paginate as Paginate)({ client: sdk, ...pageSize }, inputs[name] ?? {})) {
      const list = Object.values(page).filter(Array.isArray).flat();
      assert.ok(list.length <= 1, name);
      items.push(...list.map((item) => JSON.stringify(item)));
    }
    assert.equal(new Set(items).size, items.length, name);
    assert.equal(items.length, sizes[name], name);
  }
}
