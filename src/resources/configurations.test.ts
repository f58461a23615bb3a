import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTopic, deleteTopic } from '../notifications/topics.ts';
import { insertImage } from '../state/test-rows.ts';
import { openTestStore } from '../state/test-store.ts';
import { ARN_PREFIX, AT, DEBIAN_ARN, testService, token } from './test-service.ts';

const INFRA = { name: 'My Infra', instanceProfileName: 'profile' };
const DISTRIBUTION = {
  region: 'us-east-1',
  amiDistributionConfiguration: {
    name: 'web {{ imagebuilder:buildDate }}',
    description: 'A server',
    amiTags: { Build: '{{imagebuilder:buildVersion}}', Note: '{{ anything }}' },
  },
};

describe('infrastructure configurations', () => {
  it('are created with the defaults of AWS, got and listed', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const members = {
      description: 'Small',
      instanceTypes: ['t3.medium', 'm5.large'],
      resourceTags: { team: 'web' },
      instanceMetadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1 },
      placement: { tenancy: 'default' as const },
    };
    const created = await call.CreateInfrastructureConfiguration({
      ...INFRA,
      ...members,
      securityGroupIds: [],
      tags: { a: 'b' },
      clientToken: 'one',
    });
    const arn = `${ARN_PREFIX}infrastructure-configuration/my-infra`;
    assert.deepEqual(created, { infrastructureConfigurationArn: arn, clientToken: 'one' });
    const got = await call.GetInfrastructureConfiguration({ infrastructureConfigurationArn: arn });
    assert.deepEqual(got, {
      infrastructureConfiguration: {
        arn,
        ...INFRA,
        ...members,
        securityGroupIds: [],
        terminateInstanceOnFailure: true,
        dateCreated: AT.toISOString(),
        tags: { a: 'b' },
      },
    });
    const { infrastructureConfigurationSummaryList } = await call.ListInfrastructureConfigurations({
      filters: [{ name: 'name', values: ['My Infra'] }],
    });
    const { instanceMetadataOptions: _options, ...listed } = members;
    assert.deepEqual(infrastructureConfigurationSummaryList, [
      { arn, ...INFRA, ...listed, dateCreated: AT.toISOString(), tags: { a: 'b' } },
    ]);
  });

  it('are replaced as a whole by an update, except name, creation date and tags', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const { infrastructureConfigurationArn: arn = '' } = await call.CreateInfrastructureConfiguration({
      ...INFRA,
      description: 'Old',
      terminateInstanceOnFailure: false,
      tags: { a: 'b' },
      ...token(),
    });
    const updated = await call.UpdateInfrastructureConfiguration({
      infrastructureConfigurationArn: arn,
      instanceProfileName: 'other',
      clientToken: 'update',
    });
    assert.deepEqual(updated, { infrastructureConfigurationArn: arn, clientToken: 'update' });
    const { infrastructureConfiguration } = await call.GetInfrastructureConfiguration({
      infrastructureConfigurationArn: arn,
    });
    assert.deepEqual(infrastructureConfiguration, {
      arn,
      name: 'My Infra',
      instanceProfileName: 'other',
      terminateInstanceOnFailure: true,
      dateCreated: AT.toISOString(),
      dateUpdated: AT.toISOString(),
      tags: { a: 'b' },
    });
  });

  it('refuse a taken name, reserved resource tags and what Kiln does not have', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    await call.CreateInfrastructureConfiguration({ ...INFRA, ...token() });
    await assert.rejects(call.CreateInfrastructureConfiguration({ ...INFRA, name: 'my_infra', ...token() }), {
      name: 'ResourceAlreadyExistsException',
      message:
        "The following resource 'InfrastructureConfiguration' already exists: " +
        `'${ARN_PREFIX}infrastructure-configuration/my-infra'.`,
    });
    const create = (members: object) =>
      call.CreateInfrastructureConfiguration({ ...INFRA, name: 'new', ...members, ...token() });
    await assert.rejects(create({ resourceTags: { Name: 'x' } }), {
      name: 'InvalidParameterValueException',
      message: /'resourceTags'.*'Name'/,
    });
    for (const [members, path] of [
      [{ subnetId: 'subnet-1', securityGroupIds: ['sg-1'] }, 'subnetId'],
      [{ securityGroupIds: ['sg-1'] }, 'securityGroupIds'],
      [{ keyPair: 'key' }, 'keyPair'],
      [{ logging: { s3Logs: { s3BucketName: 'logs' } } }, 'logging.s3Logs'],
      [{ placement: { tenancy: 'host' } }, 'placement.tenancy'],
    ] as const) {
      await assert.rejects(create(members), { name: 'InvalidRequestException', message: new RegExp(`'${path}'`) });
    }
  });

  it('name topics that there are, which then stay', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const snsTopicArn = 'arn:aws:sns:us-east-1:123456789012:images';
    const create = () => call.CreateInfrastructureConfiguration({ ...INFRA, snsTopicArn, ...token() });
    await assert.rejects(create(), {
      name: 'InvalidParameterValueException',
      message: `The value supplied for parameter 'snsTopicArn' is not valid. There is no topic '${snsTopicArn}'; 'kiln topic add images' makes one.`,
    });
    await createTopic(store.db, 'images', { accountId: '999999999999', region: 'us-east-1' }, AT);
    await assert.rejects(create(), { name: 'InvalidParameterValueException' }, "another account's is no other");
    assert.equal(
      await createTopic(store.db, 'images', { accountId: '123456789012', region: 'us-east-1' }, AT),
      snsTopicArn,
    );
    const { infrastructureConfigurationArn = '' } = await create();
    const got = await call.GetInfrastructureConfiguration({ infrastructureConfigurationArn });
    assert.equal(got.infrastructureConfiguration?.snsTopicArn, snsTopicArn);
    await assert.rejects(deleteTopic(store.db, snsTopicArn), {
      name: 'ResourceDependencyException',
      message: /my-infra/,
    });
    await call.DeleteInfrastructureConfiguration({ infrastructureConfigurationArn });
    await deleteTopic(store.db, snsTopicArn);
    await assert.rejects(deleteTopic(store.db, snsTopicArn), { name: 'ResourceNotFoundException' });
  });

  it('are not found after their deletion, and not deleted while a pipeline needs them', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const { infrastructureConfigurationArn = '' } = await call.CreateInfrastructureConfiguration({
      ...INFRA,
      ...token(),
    });
    const { imageRecipeArn } = await call.CreateImageRecipe({
      name: 'web',
      semanticVersion: '1.0.0',
      parentImage: DEBIAN_ARN,
      ...token(),
    });
    const { imagePipelineArn = '' } = await call.CreateImagePipeline({
      name: 'pipeline',
      imageRecipeArn,
      infrastructureConfigurationArn,
      ...token(),
    });
    await assert.rejects(call.DeleteInfrastructureConfiguration({ infrastructureConfigurationArn }), {
      name: 'ResourceDependencyException',
      message: new RegExp(imagePipelineArn),
    });
    await call.DeleteImagePipeline({ imagePipelineArn });
    await call.DeleteInfrastructureConfiguration({ infrastructureConfigurationArn });
    const update = { infrastructureConfigurationArn, instanceProfileName: 'p', ...token() };
    await assert.rejects(call.GetInfrastructureConfiguration({ infrastructureConfigurationArn }), {
      name: 'ResourceNotFoundException',
    });
    await assert.rejects(call.UpdateInfrastructureConfiguration(update), { name: 'ResourceNotFoundException' });
    await assert.rejects(call.DeleteInfrastructureConfiguration({ infrastructureConfigurationArn }), {
      name: 'ResourceNotFoundException',
    });
  });
});

describe('distribution configurations', () => {
  it('are created, got, listed with their Regions, updated and deleted', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const created = await call.CreateDistributionConfiguration({
      name: 'Everywhere',
      description: 'Here',
      distributions: [DISTRIBUTION],
      tags: { a: 'b' },
      clientToken: 'one',
    });
    const arn = `${ARN_PREFIX}distribution-configuration/everywhere`;
    assert.deepEqual(created, { distributionConfigurationArn: arn, clientToken: 'one' });
    const get = async () =>
      (await call.GetDistributionConfiguration({ distributionConfigurationArn: arn })).distributionConfiguration;
    assert.deepEqual(await get(), {
      arn,
      name: 'Everywhere',
      description: 'Here',
      distributions: [DISTRIBUTION],
      timeoutMinutes: 720,
      dateCreated: AT.toISOString(),
      tags: { a: 'b' },
    });
    const { distributionConfigurationSummaryList } = await call.ListDistributionConfigurations({});
    assert.deepEqual(distributionConfigurationSummaryList, [
      {
        arn,
        name: 'Everywhere',
        description: 'Here',
        dateCreated: AT.toISOString(),
        tags: { a: 'b' },
        regions: ['us-east-1'],
      },
    ]);
    await call.UpdateDistributionConfiguration({
      distributionConfigurationArn: arn,
      distributions: [{ region: 'us-east-1', amiDistributionConfiguration: {} }],
      ...token(),
    });
    const updated = await get();
    assert.equal(updated?.description, undefined);
    assert.equal(updated?.dateUpdated, AT.toISOString());
    assert.deepEqual(updated?.distributions, [{ region: 'us-east-1', amiDistributionConfiguration: {} }]);
    await call.DeleteDistributionConfiguration({ distributionConfigurationArn: arn });
    await assert.rejects(get(), { name: 'ResourceNotFoundException' });
    await assert.rejects(call.DeleteDistributionConfiguration({ distributionConfigurationArn: arn }), {
      name: 'ResourceNotFoundException',
    });
  });

  it('refuse distributions that break the rules of AWS or go where Kiln cannot', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const create = (...distributions: { region: string }[]) =>
      call.CreateDistributionConfiguration({ name: 'new', distributions, ...token() });
    const ami = (members: object) => create({ ...DISTRIBUTION, ...{ amiDistributionConfiguration: members } });
    await assert.rejects(create(), { name: 'InvalidParameterValueException', message: /'distributions'/ });
    await assert.rejects(create({ region: 'us-east-1' }), {
      name: 'InvalidParameterValueException',
      message:
        "The value supplied for parameter 'distributions[0]' is not valid. " +
        'One or more outputs should be provided for each region in a distribution configuration.',
    });
    await assert.rejects(ami({ name: 'fixed' }), {
      name: 'InvalidParameterValueException',
      message:
        "The value supplied for parameter 'distributions[0].amiDistributionConfiguration.name' is not valid. " +
        "The EC2 AMI name must contain '{{ imagebuilder:buildDate }}' to ensure that the name will be unique.",
    });
    await assert.rejects(ami({ name: '{{ imagebuilder:buildDate }} {{imagebuilder:colour}}' }), {
      name: 'InvalidParameterValueException',
      message: /colour/,
    });
    await assert.rejects(ami({ amiTags: { Built: '{{ imagebuilder:buildDate:YYYY-MM }}' } }), {
      name: 'InvalidParameterValueException',
      message: /amiTags\['Built'\]'.*'YYYY' in .*yyyy/,
    });
    await assert.rejects(create(DISTRIBUTION, DISTRIBUTION), {
      name: 'InvalidParameterCombinationException',
      message: /distributions\[1\]\.region.*twice/,
    });
    await assert.rejects(create({ ...DISTRIBUTION, region: 'eu-west-1' }), {
      name: 'InvalidRequestException',
      message: /'distributions\[0\]\.region' is 'eu-west-1'/,
    });
    await assert.rejects(ami({ targetAccountIds: ['210987654321'] }), {
      name: 'InvalidRequestException',
      message: /'distributions\[0\]\.amiDistributionConfiguration\.targetAccountIds'/,
    });
  });
});

describe('image pipelines', () => {
  async function parts(call: ReturnType<typeof testService>['call']) {
    const { infrastructureConfigurationArn = '' } = await call.CreateInfrastructureConfiguration({
      ...INFRA,
      ...token(),
    });
    const { distributionConfigurationArn = '' } = await call.CreateDistributionConfiguration({
      name: 'here',
      distributions: [DISTRIBUTION],
      ...token(),
    });
    const { imageRecipeArn = '' } = await call.CreateImageRecipe({
      name: 'web',
      semanticVersion: '1.0.0',
      parentImage: DEBIAN_ARN,
      ...token(),
    });
    return { imageRecipeArn, infrastructureConfigurationArn, distributionConfigurationArn };
  }

  it('are created with the defaults of AWS, got, listed, updated and deleted', async () => {
    await using store = await openTestStore();
    const { call, service } = testService(store);
    const arns = await parts(call);
    const created = await call.CreateImagePipeline({
      name: 'Nightly',
      description: 'By hand',
      ...arns,
      imageTags: { from: 'pipeline' },
      tags: { a: 'b' },
      clientToken: 'one',
    });
    const arn = `${ARN_PREFIX}image-pipeline/nightly`;
    assert.deepEqual(created, { imagePipelineArn: arn, clientToken: 'one' });
    const pipeline = {
      arn,
      name: 'Nightly',
      description: 'By hand',
      platform: 'Linux',
      enhancedImageMetadataEnabled: true,
      ...arns,
      imageTestsConfiguration: { imageTestsEnabled: true, timeoutMinutes: 720 },
      status: 'ENABLED',
      imageTags: { from: 'pipeline' },
      consecutiveFailures: 0,
      dateCreated: AT.toISOString(),
      tags: { a: 'b' },
    };
    assert.deepEqual(await call.GetImagePipeline({ imagePipelineArn: arn }), { imagePipeline: pipeline });
    await insertImage(service.db, { status: 'FAILED', source_pipeline_arn: arn });
    const filters = [{ name: 'infrastructureConfigurationArn', values: [arns.infrastructureConfigurationArn] }];
    assert.deepEqual(await call.ListImagePipelines({ filters }), {
      imagePipelineList: [{ ...pipeline, lastRunStatus: 'FAILED', dateLastRun: '2026-11-23T10:00:00.000Z' }],
    });
    const { distributionConfigurationArn, ...required } = arns;
    await call.UpdateImagePipeline({
      imagePipelineArn: arn,
      ...required,
      status: 'DISABLED',
      imageTestsConfiguration: { imageTestsEnabled: false },
      ...token(),
    });
    const { imagePipeline: updated } = await call.GetImagePipeline({ imagePipelineArn: arn });
    assert.equal(updated?.description, undefined);
    assert.equal(updated?.distributionConfigurationArn, undefined);
    assert.equal(updated?.status, 'DISABLED');
    assert.deepEqual(updated?.imageTestsConfiguration, { imageTestsEnabled: false, timeoutMinutes: 720 });
    // What the update let go is needed no more.
    await call.DeleteDistributionConfiguration({ distributionConfigurationArn });
    await call.DeleteImagePipeline({ imagePipelineArn: arn });
    for (const operation of [call.GetImagePipeline, call.DeleteImagePipeline]) {
      await assert.rejects(operation({ imagePipelineArn: arn }), { name: 'ResourceNotFoundException' });
    }
  });

  it('refuse what does not exist, what is missing and what Kiln does not have', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const arns = await parts(call);
    const create = (members: object) => call.CreateImagePipeline({ name: 'pipeline', ...arns, ...members, ...token() });
    for (const member of Object.keys(arns)) {
      const arn = String(Object.entries(arns).find(([name]) => name === member)?.[1]).replace(/\/[^/]+/, '/none');
      await assert.rejects(create({ [member]: arn }), {
        name: 'ResourceNotFoundException',
        message: new RegExp(member),
      });
    }
    await assert.rejects(create({ imageRecipeArn: undefined }), { name: 'InvalidParameterCombinationException' });
    for (const [members, path] of [
      [{ imageRecipeArn: undefined, containerRecipeArn: 'arn' }, 'containerRecipeArn'],
      [{ imageScanningConfiguration: { imageScanningEnabled: true } }, 'imageScanningConfiguration'],
    ] as const) {
      await assert.rejects(create(members), { name: 'InvalidRequestException', message: new RegExp(`'${path}`) });
    }
    await create({ imageScanningConfiguration: { imageScanningEnabled: false } });
    await assert.rejects(create({}), {
      name: 'ResourceAlreadyExistsException',
      message: `The following resource 'ImagePipeline' already exists: '${ARN_PREFIX}image-pipeline/pipeline'.`,
    });
    await assert.rejects(
      call.UpdateImagePipeline({ imagePipelineArn: `${ARN_PREFIX}image-pipeline/none`, ...arns, ...token() }),
      { name: 'ResourceNotFoundException' },
    );
  });
});
