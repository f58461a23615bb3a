/**
 * The calls that the `aws_imagebuilder_*` resources of Terraform's AWS provider make, made by AWS's client: Terraform
 * itself does not run here. After a create the provider reads the resource by the ARN that came back and compares what it
 * did not leave to the service to compute; what comes back otherwise, or without having been sent, would be a change in
 * every plan. "Gone" it knows by the code ResourceNotFoundException alone.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Imagebuilder } from '@aws-sdk/client-imagebuilder';
import { componentData } from '../../src/resources/test-service.ts';
import { openTestStore } from '../../src/state/test-store.ts';
import { DOCKERFILE, LIFECYCLE_RULES, PARENT_IMAGE, serveOperations, WORKFLOW } from './served-operations.ts';

type Members = Readonly<Record<string, unknown>>;

interface ProviderResource {
  readonly create: string;
  /** In Create's answer and in the inputs of all other operations. */
  readonly arnMember: string;
  readonly get: string;
  readonly answer: string;
  readonly remove: string;
  readonly input: Members;
  /** Members that the provider marks as computed, or does not read. */
  readonly computed: readonly string[];
  readonly update?: { readonly operation: string; readonly changed: Members };
}

const DATES = ['dateCreated', 'dateUpdated'];
const VERSIONED = ['arn', 'owner', 'platform', 'type', 'version', 'encrypted', ...DATES];

async function perform(sdk: Imagebuilder, operation: string, input: Members): Promise<Members> {
  const method = `${operation.charAt(0).toLowerCase()}${operation.slice(1)}`;
  return (sdk as unknown as Record<string, (input: Members) => Promise<Members>>)[method]?.(input) as Promise<Members>;
}

/** The resources, each with those before it in `arns`. */
function resources(arns: Readonly<Record<string, string>>): readonly (readonly [string, ProviderResource])[] {
  return [
    [
      'component',
      {
        ...{ create: 'CreateComponent', get: 'GetComponent', remove: 'DeleteComponent' },
        ...{ arnMember: 'componentBuildVersionArn', answer: 'component' },
        input: { name: 'tf-component', semanticVersion: '1.0.0', platform: 'Linux', data: componentData() },
        computed: [...VERSIONED, 'parameters'],
      },
    ],
    [
      'image recipe',
      {
        ...{ create: 'CreateImageRecipe', get: 'GetImageRecipe', remove: 'DeleteImageRecipe' },
        ...{ arnMember: 'imageRecipeArn', answer: 'imageRecipe' },
        input: {
          ...{ name: 'tf-recipe', semanticVersion: '1.0.0', parentImage: PARENT_IMAGE },
          components: [{ componentArn: arns['component'] }],
          blockDeviceMappings: [{ deviceName: '/dev/xvda', ebs: { volumeSize: 20, volumeType: 'gp3' } }],
        },
        computed: [...VERSIONED, 'additionalInstanceConfiguration'],
      },
    ],
    [
      'container recipe',
      {
        ...{ create: 'CreateContainerRecipe', get: 'GetContainerRecipe', remove: 'DeleteContainerRecipe' },
        ...{ arnMember: 'containerRecipeArn', answer: 'containerRecipe' },
        input: {
          ...{ name: 'tf-box', semanticVersion: '1.0.0', parentImage: 'debian:12', containerType: 'DOCKER' },
          components: [{ componentArn: arns['component'] }],
          targetRepository: { service: 'ECR', repositoryName: 'box' },
          dockerfileTemplateData: DOCKERFILE,
        },
        computed: VERSIONED,
      },
    ],
    [
      'infrastructure configuration',
      {
        create: 'CreateInfrastructureConfiguration',
        get: 'GetInfrastructureConfiguration',
        remove: 'DeleteInfrastructureConfiguration',
        arnMember: 'infrastructureConfigurationArn',
        answer: 'infrastructureConfiguration',
        // The provider always sends this one, false unless it is written.
        input: { name: 'tf-infrastructure', instanceProfileName: 'builder', terminateInstanceOnFailure: false },
        computed: ['arn', ...DATES],
        update: { operation: 'UpdateInfrastructureConfiguration', changed: { instanceTypes: ['m5.large'] } },
      },
    ],
    [
      'distribution configuration',
      {
        create: 'CreateDistributionConfiguration',
        get: 'GetDistributionConfiguration',
        remove: 'DeleteDistributionConfiguration',
        arnMember: 'distributionConfigurationArn',
        answer: 'distributionConfiguration',
        input: {
          name: 'tf-distribution',
          distributions: [
            {
              region: 'eu-north-7',
              amiDistributionConfiguration: { name: 'web {{ imagebuilder:buildDate }}', amiTags: { a: 'b' } },
            },
          ],
        },
        computed: ['arn', 'timeoutMinutes', ...DATES],
        update: { operation: 'UpdateDistributionConfiguration', changed: { description: 'where to' } },
      },
    ],
    [
      'image pipeline',
      {
        ...{ create: 'CreateImagePipeline', get: 'GetImagePipeline', remove: 'DeleteImagePipeline' },
        ...{ arnMember: 'imagePipelineArn', answer: 'imagePipeline' },
        input: {
          ...{ name: 'tf-pipeline', enhancedImageMetadataEnabled: true, status: 'ENABLED' },
          imageRecipeArn: arns['image recipe'],
          infrastructureConfigurationArn: arns['infrastructure configuration'],
        },
        computed: [
          ...['arn', 'platform', 'imageTestsConfiguration', 'imageScanningConfiguration', 'consecutiveFailures'],
          ...['dateLastRun', 'dateNextRun', 'lastRunStatus', ...DATES],
        ],
        update: {
          operation: 'UpdateImagePipeline',
          changed: { imageTestsConfiguration: { imageTestsEnabled: false, timeoutMinutes: 90 } },
        },
      },
    ],
    [
      'workflow',
      {
        ...{ create: 'CreateWorkflow', get: 'GetWorkflow', remove: 'DeleteWorkflow' },
        ...{ arnMember: 'workflowBuildVersionArn', answer: 'workflow' },
        input: { name: 'tf-check', semanticVersion: '1.0.0', type: 'TEST', data: WORKFLOW },
        computed: [...VERSIONED, 'parameters', 'state'],
      },
    ],
    [
      'lifecycle policy',
      {
        ...{ create: 'CreateLifecyclePolicy', get: 'GetLifecyclePolicy', remove: 'DeleteLifecyclePolicy' },
        ...{ arnMember: 'lifecyclePolicyArn', answer: 'lifecyclePolicy' },
        input: { name: 'tf-old', ...LIFECYCLE_RULES, status: 'DISABLED' },
        computed: ['arn', ...DATES],
        update: { operation: 'UpdateLifecyclePolicy', changed: { description: 'old ones' } },
      },
    ],
  ];
}

test("the calls of Terraform's provider: create, read, update, tag, delete, gone", async (t) => {
  await using store = await openTestStore();
  await using served = await serveOperations(store);
  const { sdk } = served;
  const arns: Record<string, string> = {};
  for (const [name] of resources(arns)) {
    await t.test(name, async () => {
      const resource = resources(arns).find(([candidate]) => candidate === name)?.[1];
      assert.ok(resource);
      const { create, get, answer, arnMember, input, computed, update } = resource;
      const tags = { team: 'web' };
      const created = await perform(sdk, create, { ...input, tags, clientToken: `terraform-${randomUUID()}` });
      const arn = String(created[arnMember]);
      arns[name] = arn;
      const read = async (): Promise<Members> => (await perform(sdk, get, { [arnMember]: arn }))[answer] as Members;

      const compared = (members: Members): Members =>
        Object.fromEntries(
          Object.entries(members).filter(([key, value]) => !computed.includes(key) && value !== undefined),
        );
      const { semanticVersion, ...sent } = input;
      const got = await read();
      assert.equal(got['arn'], arn);
      if (semanticVersion !== undefined) assert.equal(got['version'], semanticVersion);
      assert.deepEqual(compared(got), compared({ ...sent, tags }));

      if (update !== undefined) {
        const { name: _name, ...rest } = input;
        const request = { ...rest, ...update.changed, [arnMember]: arn, clientToken: `terraform-${randomUUID()}` };
        await perform(sdk, update.operation, request);
        assert.partialDeepStrictEqual(await read(), { ...rest, ...update.changed, tags });
      }
      await sdk.tagResource({ resourceArn: arn, tags: { team: 'db', stage: 'test' } });
      await sdk.untagResource({ resourceArn: arn, tagKeys: ['team'] });
      assert.deepEqual((await read())['tags'], { stage: 'test' });
    });
  }
  for (const [name, { remove, get, arnMember }] of resources(arns).toReversed()) {
    await t.test(`${name} is deleted, and gone`, async () => {
      const input = { [arnMember]: arns[name] };
      await perform(sdk, remove, input);
      await assert.rejects(perform(sdk, get, input), { name: 'ResourceNotFoundException' });
      await assert.rejects(perform(sdk, remove, input), { name: 'ResourceNotFoundException' });
    });
  }
});
