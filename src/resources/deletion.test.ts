import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OperationName } from '../contract/operations.ts';
import { openTestStore } from '../state/test-store.ts';
import { send } from './one-of-each.fixture.ts';
import {
  ARN_PREFIX,
  type Call,
  componentData,
  DEBIAN_ARN,
  MANAGED_WORKFLOWS,
  testService,
  token,
} from './test-service.ts';

const WORKFLOW = { name: 'check', semanticVersion: '1.0.0', type: 'BUILD', data: MANAGED_WORKFLOWS[0]?.text } as const;

/** A pipeline with all that a pipeline can need, and a container recipe; what each needs is in the name of its members. */
async function furnish(call: Call) {
  const { componentBuildVersionArn = '' } = await call.CreateComponent({
    ...{ name: 'nginx', semanticVersion: '1.0.0', platform: 'Linux', data: componentData(), ...token() },
  });
  const components = [{ componentArn: componentBuildVersionArn }];
  const { imageRecipeArn = '' } = await call.CreateImageRecipe({
    ...{ name: 'web', semanticVersion: '1.0.0', parentImage: DEBIAN_ARN, components, ...token() },
  });
  const { infrastructureConfigurationArn = '' } = await call.CreateInfrastructureConfiguration({
    ...{ name: 'infra', instanceProfileName: 'profile', ...token() },
  });
  const { distributionConfigurationArn = '' } = await call.CreateDistributionConfiguration({
    ...{ name: 'here', distributions: [{ region: 'us-east-1', amiDistributionConfiguration: {} }], ...token() },
  });
  const { workflowBuildVersionArn = '' } = await call.CreateWorkflow({ ...WORKFLOW, ...token() });
  const { imagePipelineArn = '' } = await call.CreateImagePipeline({
    ...{ name: 'nightly', imageRecipeArn, infrastructureConfigurationArn, distributionConfigurationArn, ...token() },
    ...{ workflows: [{ workflowArn: workflowBuildVersionArn }], executionRole: 'role' },
  });
  return {
    ...{ componentBuildVersionArn, imageRecipeArn, infrastructureConfigurationArn, distributionConfigurationArn },
    ...{ workflowBuildVersionArn, imagePipelineArn },
  };
}

type Made = Awaited<ReturnType<typeof furnish>>;

/** What deletes something, the member that names it, and what needs it. In an order in which all can go from the end. */
const NEEDED: readonly (readonly [OperationName, keyof Made, keyof Made])[] = [
  ['DeleteComponent', 'componentBuildVersionArn', 'imageRecipeArn'],
  ['DeleteImageRecipe', 'imageRecipeArn', 'imagePipelineArn'],
  ['DeleteInfrastructureConfiguration', 'infrastructureConfigurationArn', 'imagePipelineArn'],
  ['DeleteDistributionConfiguration', 'distributionConfigurationArn', 'imagePipelineArn'],
  ['DeleteWorkflow', 'workflowBuildVersionArn', 'imagePipelineArn'],
];

describe('a delete', () => {
  it('is refused while something needs what is deleted, says what, and succeeds afterwards', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const made = await furnish(call);
    for (const [operation, member, neededBy] of NEEDED) {
      await assert.rejects(send(call, operation, { [member]: made[member] }), (error: Error) => {
        assert.equal(error.name, 'ResourceDependencyException');
        const start = `Resource dependency error: The resource ARN '${made[member]}' has other resources depended on it.`;
        assert.ok(error.message.startsWith(start), error.message);
        assert.ok(error.message.includes(made[neededBy]), error.message);
        return true;
      });
    }
    await call.DeleteImagePipeline({ imagePipelineArn: made.imagePipelineArn });
    for (const [operation, member] of NEEDED.toReversed()) await send(call, operation, { [member]: made[member] });
    assert.deepEqual(await store.db.selectFrom('resources').select('arn').execute(), []);
    assert.deepEqual(await store.db.selectFrom('resource_references').select('from_arn').execute(), []);
  });

  it('is refused for a component of a container recipe', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const { componentBuildVersionArn = '' } = await call.CreateComponent({
      ...{ name: 'nginx', semanticVersion: '1.0.0', platform: 'Linux', data: componentData(), ...token() },
    });
    const template = ['parentImage', 'environments', 'components'].map((part) => `{{{ imagebuilder:${part} }}}`);
    const { containerRecipeArn = '' } = await call.CreateContainerRecipe({
      ...{ name: 'box', semanticVersion: '1.0.0', containerType: 'DOCKER', parentImage: 'debian:12', ...token() },
      ...{ dockerfileTemplateData: template.join('\n'), components: [{ componentArn: componentBuildVersionArn }] },
      targetRepository: { service: 'ECR', repositoryName: 'box' },
    });
    await assert.rejects(call.DeleteComponent({ componentBuildVersionArn }), {
      name: 'ResourceDependencyException',
      message: new RegExp(containerRecipeArn),
    });
    await call.DeleteContainerRecipe({ containerRecipeArn });
    await call.DeleteComponent({ componentBuildVersionArn });
  });

  it('of a pipeline leaves its images and a policy its images alone', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const { imagePipelineArn } = await furnish(call);
    const { imageBuildVersionArn } = await call.StartImagePipelineExecution({ imagePipelineArn, ...token() });
    await call.DeleteImagePipeline({ imagePipelineArn });
    const { image } = await call.GetImage({ imageBuildVersionArn: imageBuildVersionArn ?? '' });
    assert.equal(image?.sourcePipelineArn, `${ARN_PREFIX}image-pipeline/nightly`);
    assert.equal(image?.state?.status, 'PENDING');
  });
});
