import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openLog } from '../state/log-events.ts';
import { insertImage } from '../state/test-rows.ts';
import { openTestStore } from '../state/test-store.ts';
import { claimImage } from '../state/transitions/claim-image.ts';
import { failImage } from '../state/transitions/fail-image.ts';
import { nextBuilds } from '../state/workers.ts';
import { ARN_PREFIX, AT, type Call, componentData, DEBIAN_ARN, testService, token } from './test-service.ts';

async function definitions(call: Call) {
  const { componentBuildVersionArn = '' } = await call.CreateComponent({
    name: 'page',
    semanticVersion: '1.0.0',
    platform: 'Linux',
    data: componentData(),
    ...token(),
  });
  const { imageRecipeArn = '' } = await call.CreateImageRecipe({
    name: 'Web Server',
    semanticVersion: '1.0.0',
    parentImage: DEBIAN_ARN,
    components: [{ componentArn: `${ARN_PREFIX}component/page/x.x.x` }],
    tags: { of: 'recipe' },
    ...token(),
  });
  const { infrastructureConfigurationArn = '' } = await call.CreateInfrastructureConfiguration({
    name: 'infra',
    instanceProfileName: 'profile',
    ...token(),
  });
  return { componentBuildVersionArn, request: { imageRecipeArn, infrastructureConfigurationArn } };
}

const IMAGE_ARN = `${ARN_PREFIX}image/web-server/1.0.0/1`;

describe('images', () => {
  it('are created pending, with copies of their definitions, an event and a job', async () => {
    await using store = await openTestStore();
    const { call, service } = testService(store);
    const { request } = await definitions(call);
    const created = await call.CreateImage({ ...request, tags: { a: 'b' }, clientToken: 'one' });
    assert.deepEqual(created, {
      imageBuildVersionArn: IMAGE_ARN,
      latestVersionReferences: {
        latestVersionArn: `${ARN_PREFIX}image/web-server/x.x.x`,
        latestMajorVersionArn: `${ARN_PREFIX}image/web-server/1.x.x`,
        latestMinorVersionArn: `${ARN_PREFIX}image/web-server/1.0.x`,
        latestPatchVersionArn: `${ARN_PREFIX}image/web-server/1.0.0`,
      },
      clientToken: 'one',
    });
    const { imageRecipe } = await call.GetImageRecipe({ imageRecipeArn: request.imageRecipeArn });
    const { infrastructureConfiguration } = await call.GetInfrastructureConfiguration(request);
    // A later change is a change of the definition, not of this image.
    await call.UpdateInfrastructureConfiguration({ ...request, instanceProfileName: 'other', ...token() });
    const { image } = await call.GetImage({ imageBuildVersionArn: IMAGE_ARN });
    assert.deepEqual(image, {
      arn: IMAGE_ARN,
      type: 'AMI',
      name: 'Web Server',
      version: '1.0.0/1',
      platform: 'Linux',
      enhancedImageMetadataEnabled: true,
      state: { status: 'PENDING', reason: 'Number 1 of the builds that wait for a worker. No worker is running.' },
      imageRecipe,
      infrastructureConfiguration,
      imageTestsConfiguration: { imageTestsEnabled: true, timeoutMinutes: 720 },
      dateCreated: AT.toISOString(),
      outputResources: { amis: [] },
      tags: { a: 'b' },
      buildType: 'USER_INITIATED',
      imageSource: 'CUSTOM',
    });
    const events = await service.db.selectFrom('events').select(['type', 'detail']).execute();
    assert.deepEqual(events, [{ type: 'image', detail: { status: 'PENDING' } }]);
    const [waiting] = await nextBuilds(store.db, { place: 'here', except: [], limit: 1 });
    assert.equal(waiting?.arn, IMAGE_ARN);
  });

  it('take build numbers one by one when created at once', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const { request } = await definitions(call);
    const created = await Promise.all(Array.from({ length: 20 }, () => call.CreateImage({ ...request, ...token() })));
    const builds = created.map(({ imageBuildVersionArn = '' }) => Number(imageBuildVersionArn.split('/').at(-1)));
    assert.deepEqual(
      builds.sort((a, b) => a - b),
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
  });

  it('are started by a pipeline, enabled or not, with its tags and those of the request', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const { request } = await definitions(call);
    const { imagePipelineArn = '' } = await call.CreateImagePipeline({
      name: 'Pipe',
      ...request,
      imageRecipeArn: `${ARN_PREFIX}image-recipe/web-server/x.x.x`,
      status: 'DISABLED',
      enhancedImageMetadataEnabled: false,
      imageTestsConfiguration: { imageTestsEnabled: false },
      imageTags: { from: 'pipeline', by: 'pipeline' },
      ...token(),
    });
    const started = await call.StartImagePipelineExecution({ imagePipelineArn, tags: { by: 'me' }, clientToken: 'go' });
    assert.deepEqual(started, { imageBuildVersionArn: IMAGE_ARN, clientToken: 'go' });
    const { image } = await call.GetImage({ imageBuildVersionArn: IMAGE_ARN });
    assert.deepEqual(image?.tags, { from: 'pipeline', by: 'me' });
    assert.equal(image?.sourcePipelineArn, imagePipelineArn);
    assert.equal(image?.sourcePipelineName, 'Pipe');
    assert.equal(image?.enhancedImageMetadataEnabled, false);
    assert.equal(image?.imageTestsConfiguration?.imageTestsEnabled, false);
    await call.CreateImage({ ...request, ...token() });
    const { imageSummaryList } = await call.ListImagePipelineImages({ imagePipelineArn });
    assert.deepEqual(
      imageSummaryList?.map(({ arn }) => arn),
      [IMAGE_ARN],
    );
    assert.equal((await call.GetImagePipeline({ imagePipelineArn })).imagePipeline?.lastRunStatus, 'PENDING');
    await call.DeleteImagePipeline({ imagePipelineArn });
    await call.GetImage({ imageBuildVersionArn: IMAGE_ARN });
    const gone = { imagePipelineArn, ...token() };
    await assert.rejects(call.StartImagePipelineExecution(gone), { name: 'ResourceNotFoundException' });
    await assert.rejects(call.ListImagePipelineImages({ imagePipelineArn }), { name: 'ResourceNotFoundException' });
  });

  it('are refused for definitions that do not exist and for what Kiln does not have', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const { request } = await definitions(call);
    const create = (members: object) => call.CreateImage({ ...request, ...members, ...token() });
    await assert.rejects(create({ imageRecipeArn: `${ARN_PREFIX}image-recipe/none/x.x.x` }), {
      name: 'ResourceNotFoundException',
      message: /imageRecipeArn/,
    });
    const none = `${ARN_PREFIX}distribution-configuration/none`;
    await assert.rejects(create({ distributionConfigurationArn: none }), { name: 'ResourceNotFoundException' });
    await assert.rejects(create({ imageRecipeArn: undefined }), { name: 'InvalidParameterCombinationException' });
    await assert.rejects(create({ loggingConfiguration: { logGroupName: '/mine' } }), {
      name: 'InvalidParameterCombinationException',
      message: /'loggingConfiguration\.logGroupName'/,
    });
    const { imageRecipeArn } = await call.CreateImageRecipe({
      name: 'desktop',
      semanticVersion: '1.0.0',
      parentImage: DEBIAN_ARN.replace('debian-server-12-x86', 'windows-server-2025-x86'),
      ...token(),
    });
    await assert.rejects(create({ imageRecipeArn }), {
      name: 'InvalidRequestException',
      message: 'Kiln does not support building images for Windows yet.',
    });
    assert.deepEqual(await call.ListImages({}), { imageVersionList: [] });
  });

  it('mean by a version or wildcard the newest available build', async () => {
    await using store = await openTestStore();
    const { call, service } = testService(store);
    const arn = await insertImage(service.db, { status: 'AVAILABLE' });
    await insertImage(service.db, {
      build: 2,
      status: 'FAILED',
      reason: 'It broke.',
      failure_context: '{"failedStep":"A"}',
    });
    await insertImage(service.db, { major: 2, status: 'BUILDING' });
    for (const version of ['x.x.x', '1.x.x', '1.0.0', '1.0.0/1']) {
      const { image } = await call.GetImage({ imageBuildVersionArn: arn.replace('1.0.0/1', version) });
      assert.equal(image?.arn, arn);
    }
    const failed = await call.GetImage({ imageBuildVersionArn: arn.replace('/1.0.0/1', '/1.0.0/2') });
    assert.deepEqual(failed.image?.state, {
      status: 'FAILED',
      reason: 'It broke.',
      failureContext: { failedStep: 'A' },
    });
    for (const version of ['2.x.x', '3.x.x', '1.0.0/9']) {
      await assert.rejects(call.GetImage({ imageBuildVersionArn: arn.replace('1.0.0/1', version) }), {
        name: 'ResourceNotFoundException',
      });
    }
  });

  it('are listed by version, described by the newest build, and by build version', async () => {
    await using store = await openTestStore();
    const { call, service } = testService(store);
    const arn = await insertImage(service.db, { status: 'AVAILABLE', os_version: 'Debian 12' });
    await insertImage(service.db, { build: 2, status: 'FAILED', os_version: 'Debian 13' });
    await insertImage(service.db, { major: 10, status: 'PENDING' });
    await insertImage(service.db, { major: 9, status: 'PENDING' });
    const versions = async (more: object) =>
      (await call.ListImages(more)).imageVersionList?.map((image) => image.version);
    assert.deepEqual(await versions({}), ['1.0.0', '9.0.0', '10.0.0']);
    assert.deepEqual(await versions({ byName: true }), ['10.0.0']);
    assert.deepEqual(await versions({ filters: [{ name: 'osVersion', values: ['Debian 13'] }] }), ['1.0.0']);
    assert.deepEqual(await versions({ filters: [{ name: 'version', values: ['10.x.x', '9.0.x'] }] }), [
      '9.0.0',
      '10.0.0',
    ]);
    const { imageVersionList } = await call.ListImages({ maxResults: 1 });
    assert.deepEqual(imageVersionList, [
      {
        arn: arn.slice(0, -2),
        name: 'web',
        type: 'AMI',
        version: '1.0.0',
        platform: 'Linux',
        osVersion: 'Debian 13',
        owner: '123456789012',
        dateCreated: '2026-11-23T10:00:00.000Z',
        buildType: 'USER_INITIATED',
        imageSource: 'CUSTOM',
      },
    ]);
    const { imageSummaryList } = await call.ListImageBuildVersions({ imageVersionArn: arn.slice(0, -2) });
    assert.deepEqual(
      imageSummaryList?.map((image) => [image.version, image.state?.status, image.owner]),
      [
        ['1.0.0/1', 'AVAILABLE', '123456789012'],
        ['1.0.0/2', 'FAILED', '123456789012'],
      ],
    );
    assert.equal((await call.ListImageBuildVersions({})).imageSummaryList?.length, 4);
    const none = await call.ListImageBuildVersions({ imageVersionArn: `${ARN_PREFIX}image/none/1.0.0` });
    assert.deepEqual(none, { imageSummaryList: [] });
  });

  it('of the catalogue are found under the owner aws and listed for the owner Amazon', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const version = DEBIAN_ARN.replace('x.x.x', '2026.11.23');
    const { image } = await call.GetImage({ imageBuildVersionArn: DEBIAN_ARN });
    const described = {
      name: 'debian-server-12-x86',
      type: 'AMI',
      platform: 'Linux',
      osVersion: 'Debian 12',
      imageSource: 'AMAZON_MANAGED',
    };
    const build = {
      ...described,
      arn: `${version}/1`,
      version: '2026.11.23/1',
      state: { status: 'AVAILABLE' },
      outputResources: { amis: [] },
      tags: {},
    };
    assert.deepEqual(image, build);
    assert.deepEqual((await call.GetImage({ imageBuildVersionArn: `${version}/1` })).image, build);
    assert.deepEqual(await call.ListImageBuildVersions({ imageVersionArn: version }), {
      imageSummaryList: [{ ...build, owner: 'Amazon' }],
    });
    const first = await call.ListImages({ owner: 'Amazon', maxResults: 1 });
    assert.deepEqual(first.imageVersionList, [{ ...described, arn: version, version: '2026.11.23', owner: 'Amazon' }]);
    const { nextToken = '' } = first;
    const second = await call.ListImages({ owner: 'Amazon', maxResults: 1, nextToken });
    assert.deepEqual(
      second.imageVersionList?.map(({ name }) => name),
      ['windows-server-2025-x86'],
    );
    assert.equal(second.nextToken, undefined);
    for (const missing of [DEBIAN_ARN.replace('x.x.x', '2025.x.x'), `${version}/2`, DEBIAN_ARN.replace('12', '7')]) {
      await assert.rejects(call.GetImage({ imageBuildVersionArn: missing }), { name: 'ResourceNotFoundException' });
    }
  });

  it('are cancelled at once while they wait, by their worker while they are built, and not after the end', async () => {
    await using store = await openTestStore();
    const { call, service } = testService(store);
    const { request } = await definitions(call);
    const image = async () => (await call.GetImage({ imageBuildVersionArn: IMAGE_ARN })).image?.state?.status;
    await call.CreateImage({ ...request, ...token() });
    const cancelled = await call.CancelImageCreation({ imageBuildVersionArn: IMAGE_ARN, clientToken: 'stop' });
    assert.deepEqual(cancelled, { imageBuildVersionArn: IMAGE_ARN, clientToken: 'stop' });
    assert.equal(await image(), 'CANCELLED');
    await assert.rejects(call.CancelImageCreation({ imageBuildVersionArn: IMAGE_ARN, ...token() }), {
      name: 'InvalidRequestException',
      message: /has ended \(CANCELLED\)/,
    });
    // A client that did not get the first answer asks again.
    await call.CancelImageCreation({ imageBuildVersionArn: IMAGE_ARN, clientToken: 'stop' });

    const second = IMAGE_ARN.replace('/1.0.0/1', '/1.0.0/2');
    await call.CreateImage({ ...request, ...token() });
    await claimImage(service.db, { imageArn: second, workerId: 'w', at: AT });
    await call.CancelImageCreation({ imageBuildVersionArn: second, ...token() });
    const row = await service.db.selectFrom('images').selectAll().where('arn', '=', second).executeTakeFirstOrThrow();
    assert.equal(row.status, 'CREATING');
    assert.deepEqual(row.cancel_requested_at, AT);
    const none = { imageBuildVersionArn: `${ARN_PREFIX}image/none/1.0.0/1`, ...token() };
    await assert.rejects(call.CancelImageCreation(none), { name: 'ResourceNotFoundException' });
  });

  it('are not deleted while they are built; what their build needs stays until then', async () => {
    await using store = await openTestStore();
    const { call, service } = testService(store);
    const { request, componentBuildVersionArn } = await definitions(call);
    await call.CreateImage({ ...request, ...token() });
    await assert.rejects(call.DeleteImage({ imageBuildVersionArn: IMAGE_ARN }), {
      name: 'ResourceDependencyException',
      message: /not finished \(PENDING\)/,
    });
    await call.DeleteImageRecipe({ imageRecipeArn: request.imageRecipeArn });
    await assert.rejects(call.DeleteComponent({ componentBuildVersionArn }), {
      name: 'ResourceDependencyException',
      message: new RegExp(IMAGE_ARN),
    });
    const claimed = await claimImage(service.db, { imageArn: IMAGE_ARN, workerId: 'w', at: AT });
    assert.ok(claimed);
    await failImage(service.db, claimed.claim, { reason: 'It broke.', at: AT });
    await call.DeleteComponent({ componentBuildVersionArn });
    await using log = openLog(service.db, '123456789012:/aws/imagebuilder/Web Server', '1.0.0/1');
    log.append({ at: AT, source: 'kiln', message: 'gone with the image' });
    await log.flush();
    assert.deepEqual(await call.DeleteImage({ imageBuildVersionArn: IMAGE_ARN }), { imageBuildVersionArn: IMAGE_ARN });
    assert.deepEqual(await service.db.selectFrom('log_events').select('message').execute(), []);
    for (const operation of [call.GetImage, call.DeleteImage, call.ListImagePackages, call.ListWorkflowExecutions]) {
      await assert.rejects(operation({ imageBuildVersionArn: IMAGE_ARN }), { name: 'ResourceNotFoundException' });
    }
  });

  it('have packages, listed in pages', async () => {
    await using store = await openTestStore();
    const { call, service } = testService(store);
    const arn = await insertImage(service.db, { status: 'AVAILABLE' });
    const packages = Array.from({ length: 7 }, (_, position) => ({
      image_arn: arn,
      position,
      package_name: `package-${position}`,
      package_version: '1.0',
    }));
    await service.db.insertInto('image_packages').values(packages).execute();
    const names: (string | undefined)[] = [];
    let nextToken: string | undefined;
    do {
      const page = await call.ListImagePackages({
        imageBuildVersionArn: arn,
        maxResults: 3,
        ...(nextToken === undefined ? {} : { nextToken }),
      });
      names.push(...(page.imagePackageList ?? []).map(({ packageName }) => packageName));
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    assert.deepEqual(
      names,
      packages.map((row) => row.package_name),
    );
  });
});
