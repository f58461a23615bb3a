import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readModel } from '../contract/model.ts';
import type { Shape } from '../contract/model.types.ts';
import type { OperationName } from '../contract/operations.ts';
import { RECORDED_MEMBERS, refuseUnsupportedMembers, UNSUPPORTED_MEMBERS } from './unsupported-members.ts';

/**
 * What has its effect, per operation that stores settings. A member that is in none of the three tables fails the test
 * below: it has to be decided what becomes of it.
 */
const BUILD = [
  'imageRecipeArn',
  'infrastructureConfigurationArn',
  'distributionConfigurationArn',
  'imageTestsConfiguration.imageTestsEnabled',
  'enhancedImageMetadataEnabled',
];
const CREATE = ['name', 'description', 'tags', 'clientToken', 'dryRun'];
const INFRASTRUCTURE = ['instanceTypes', 'terminateInstanceOnFailure'];
const DISTRIBUTION = [
  'distributions[].region',
  'distributions[].amiDistributionConfiguration.name',
  'distributions[].amiDistributionConfiguration.description',
  'distributions[].amiDistributionConfiguration.amiTags',
];
const EFFECTIVE: { readonly [Name in OperationName]?: readonly string[] } = {
  CreateComponent: [
    ...CREATE,
    'semanticVersion',
    'changeDescription',
    'platform',
    'supportedOsVersions',
    'data',
    'uri',
  ],
  CreateImageRecipe: [
    ...CREATE,
    'semanticVersion',
    'components[].componentArn',
    'components[].parameters[].name',
    'components[].parameters[].value[]',
    'parentImage',
    'blockDeviceMappings[].deviceName',
    'blockDeviceMappings[].ebs.volumeSize',
    'workingDirectory',
    'additionalInstanceConfiguration.userDataOverride',
    'amiTags',
  ],
  CreateInfrastructureConfiguration: [...CREATE, ...INFRASTRUCTURE],
  UpdateInfrastructureConfiguration: [
    ...INFRASTRUCTURE,
    'infrastructureConfigurationArn',
    'description',
    'clientToken',
  ],
  CreateDistributionConfiguration: [...CREATE, ...DISTRIBUTION],
  UpdateDistributionConfiguration: [...DISTRIBUTION, 'distributionConfigurationArn', 'description', 'clientToken'],
  CreateImagePipeline: [...CREATE, ...BUILD, 'imageTags'],
  UpdateImagePipeline: [...BUILD, 'imagePipelineArn', 'description', 'imageTags', 'clientToken'],
  CreateImage: [...BUILD, 'tags', 'clientToken'],
  StartImagePipelineExecution: ['imagePipelineArn', 'tags', 'clientToken'],
};

/** Paths of all members that hold a value; maps are values. */
function leaves(shape: Shape, path: string): string[] {
  if (shape.kind === 'list') return leaves(shape.element, `${path}[]`);
  if (shape.kind !== 'structure') return [path];
  return [...shape.members.values()].flatMap((member) =>
    leaves(member.shape, path === '' ? member.name : `${path}.${member.name}`),
  );
}

function covers(path: string, leaf: string): boolean {
  return leaf === path || leaf.startsWith(`${path}.`) || leaf.startsWith(`${path}[]`);
}

const inputs = new Map(readModel().map((operation) => [operation.name, operation.input]));

describe('members of requests', () => {
  for (const [name, effective] of Object.entries(EFFECTIVE)) {
    const operation = name as OperationName;
    it(`of ${name} have each an effect, or are a record, or are refused`, () => {
      const input = inputs.get(operation);
      assert.ok(input);
      const refused = (UNSUPPORTED_MEMBERS[operation] ?? []).map(({ path }) => path);
      const recorded = (RECORDED_MEMBERS[operation] ?? []).map(({ path }) => path);
      const tables = [effective, refused, recorded];
      const all = leaves(input, '');
      for (const leaf of all) {
        const count = tables.filter((table) => table.some((path) => covers(path, leaf))).length;
        assert.equal(count, 1, `${leaf} is in ${count} of the tables`);
      }
      for (const path of tables.flat()) {
        assert.ok(
          all.some((leaf) => covers(path, leaf)),
          `${path} is not a member of ${name}`,
        );
      }
    });
  }

  it('are refused by their path, in lists with the index', () => {
    const input = {
      blockDeviceMappings: [
        { deviceName: 'a', ebs: {} },
        { deviceName: 'b', noDevice: '' },
      ],
    };
    assert.throws(() => refuseUnsupportedMembers('CreateImageRecipe', input), {
      name: 'InvalidRequestException',
      message: "Kiln does not support 'blockDeviceMappings[1].noDevice' (removing volumes of the parent image) yet.",
    });
  });

  it('are accepted where they ask for nothing', () => {
    refuseUnsupportedMembers('CreateInfrastructureConfiguration', {
      securityGroupIds: [],
      logging: {},
      placement: { tenancy: 'default' },
    });
    refuseUnsupportedMembers('CreateImageRecipe', {
      additionalInstanceConfiguration: { systemsManagerAgent: { uninstallAfterBuild: false } },
      blockDeviceMappings: [{ deviceName: 'a', ebs: { encrypted: false, deleteOnTermination: true } }],
    });
    refuseUnsupportedMembers('CreateImage', { imageScanningConfiguration: { imageScanningEnabled: false } });
  });
});
