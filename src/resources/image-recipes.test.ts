import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { insertImage } from '../state/test-rows.ts';
import { openTestStore } from '../state/test-store.ts';
import {
  ARN_PREFIX,
  AT,
  type Call,
  componentData,
  DEBIAN_ARN,
  IMPORTED_AMI,
  testService,
  token,
} from './test-service.ts';

const WEB = { name: 'Web Server', semanticVersion: '1.0.0', parentImage: DEBIAN_ARN };

async function createComponent(call: Call, name: string, more: object = {}): Promise<string> {
  const created = await call.CreateComponent({
    name,
    semanticVersion: '1.0.0',
    platform: 'Linux',
    data: componentData(),
    ...more,
    ...token(),
  });
  return created.componentBuildVersionArn ?? '';
}

const PARAMETERS = 'parameters:\n  - Title: { type: string }\n  - Port: { type: string, default: "80" }';

describe('image recipes', () => {
  it('are created, got and listed with all members, the platform taken from the parent image', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const component = await createComponent(call, 'page', { data: componentData('x', 'build', PARAMETERS) });
    const members = {
      description: 'nginx with one page',
      components: [{ componentArn: component, parameters: [{ name: 'Title', value: ['Hello'] }] }],
      blockDeviceMappings: [
        { deviceName: '/dev/xvda', ebs: { volumeSize: 20, volumeType: 'gp3' as const, deleteOnTermination: true } },
      ],
      workingDirectory: '/var/tmp',
      additionalInstanceConfiguration: { userDataOverride: 'IyEvYmluL3NoCg==' },
      amiTags: { Role: 'web' },
    };
    const created = await call.CreateImageRecipe({ ...WEB, ...members, tags: { a: 'b' }, clientToken: 'one' });
    const arn = `${ARN_PREFIX}image-recipe/web-server/1.0.0`;
    const latestVersionReferences = {
      latestVersionArn: `${ARN_PREFIX}image-recipe/web-server/x.x.x`,
      latestMajorVersionArn: `${ARN_PREFIX}image-recipe/web-server/1.x.x`,
      latestMinorVersionArn: `${ARN_PREFIX}image-recipe/web-server/1.0.x`,
      latestPatchVersionArn: arn,
    };
    assert.deepEqual(created, { imageRecipeArn: arn, latestVersionReferences, clientToken: 'one' });
    assert.deepEqual(await call.GetImageRecipe({ imageRecipeArn: arn }), {
      imageRecipe: {
        arn,
        type: 'AMI',
        name: 'Web Server',
        platform: 'Linux',
        owner: '123456789012',
        version: '1.0.0',
        parentImage: DEBIAN_ARN,
        dateCreated: AT.toISOString(),
        tags: { a: 'b' },
        ...members,
      },
      latestVersionReferences,
    });
    assert.deepEqual(await call.ListImageRecipes({ filters: [{ name: 'parentImage', values: [DEBIAN_ARN] }] }), {
      imageRecipeSummaryList: [
        {
          arn,
          name: 'Web Server',
          platform: 'Linux',
          owner: '123456789012',
          parentImage: DEBIAN_ARN,
          dateCreated: AT.toISOString(),
          tags: { a: 'b' },
        },
      ],
    });
    assert.deepEqual(await call.ListImageRecipes({ owner: 'Amazon' }), { imageRecipeSummaryList: [] });
  });

  it('exist once per version', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    await call.CreateImageRecipe({ ...WEB, ...token() });
    await assert.rejects(call.CreateImageRecipe({ ...WEB, name: 'web_server', description: 'other', ...token() }), {
      name: 'ResourceAlreadyExistsException',
      message: `The following resource 'ImageRecipe' already exists: '${ARN_PREFIX}image-recipe/web-server/1.0.0'.`,
    });
  });

  it('count versions up where the version has one x, also when created at once', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const create = async (semanticVersion: string) => {
      const { imageRecipeArn } = await call.CreateImageRecipe({ ...WEB, semanticVersion, ...token() });
      return imageRecipeArn?.split('/').at(-1);
    };
    assert.equal(await create('1.0.x'), '1.0.0');
    assert.equal(await create('1.0.x'), '1.0.1');
    await create('1.3.5');
    assert.equal(await create('1.x.0'), '1.4.0');
    assert.equal(await create('x.0.0'), '2.0.0');
    const versions = await Promise.all(Array.from({ length: 10 }, () => create('3.1.x')));
    assert.equal(new Set(versions).size, 10);
    for (const version of ['1.x.x', 'x.x.x', 'x.1.x']) {
      await assert.rejects(create(version), { name: 'InvalidVersionNumberException' });
    }
    const newest = await call.GetImageRecipe({ imageRecipeArn: `${ARN_PREFIX}image-recipe/web-server/x.x.x` });
    assert.equal(newest.imageRecipe?.version, '3.1.9');
  });

  it('check on a dry run everything, then say so with an error and store nothing', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const dryRun = { ...WEB, dryRun: true, clientToken: 'dry' };
    await assert.rejects(call.CreateImageRecipe(dryRun), {
      name: 'DryRunOperationException',
      message: 'Request would have succeeded, but dryRun flag is set.',
    });
    assert.deepEqual(await call.ListImageRecipes({}), { imageRecipeSummaryList: [] });
    await assert.rejects(call.CreateImageRecipe({ ...dryRun, parentImage: 'ami-00000000000000000' }), {
      name: 'InvalidParameterValueException',
    });
    // The token of a dry run is not used up.
    await call.CreateImageRecipe({ ...WEB, clientToken: 'dry' });
  });

  it('refuse parameters that the component does not define, that are missing, given twice or not one value', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const componentArn = await createComponent(call, 'page', { data: componentData('x', 'build', PARAMETERS) });
    const create = (...parameters: { name: string; value: string[] }[]) =>
      call.CreateImageRecipe({ ...WEB, components: [{ componentArn, parameters }], ...token() });
    await assert.rejects(create({ name: 'Title', value: ['x'] }, { name: 'Sub', value: ['x'] }), {
      name: 'InvalidParameterCombinationException',
      message:
        "The value supplied for parameter 'components[0].parameters' is not valid. " +
        'The following parameters are not defined in the provided component: Sub',
    });
    await assert.rejects(create({ name: 'Port', value: ['81'] }), {
      name: 'InvalidParameterCombinationException',
      message: /'components\[0\]\.parameters'.*need a value: Title/,
    });
    await assert.rejects(create({ name: 'Title', value: ['x'] }, { name: 'Title', value: ['y'] }), {
      message: /'components\[0\]\.parameters\[1\]\.name'.*given twice/,
    });
    await assert.rejects(create({ name: 'Title', value: ['x', 'y'] }), {
      message: /'components\[0\]\.parameters\[0\]\.value'/,
    });
    await create({ name: 'Title', value: [''] });
  });

  it('refuse components that are missing, for another platform or system, or there twice', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const plain = await createComponent(call, 'plain');
    const ubuntu = await createComponent(call, 'ubuntu', { supportedOsVersions: ['Ubuntu', 'Debian 13'] });
    const debian = await createComponent(call, 'debian', { supportedOsVersions: ['Debian'] });
    const create = (...arns: string[]) =>
      call.CreateImageRecipe({ ...WEB, components: arns.map((componentArn) => ({ componentArn })), ...token() });
    await assert.rejects(create(plain, `${ARN_PREFIX}component/none/x.x.x`), {
      name: 'ResourceNotFoundException',
      message: /component\/none\/x\.x\.x.*components\[1\]\.componentArn/,
    });
    await assert.rejects(create(plain, `${ARN_PREFIX}component/plain/1.x.x`), {
      name: 'InvalidParameterValueException',
      message: /'components\[1\]\.componentArn'.*components\[0\] is the same component/,
    });
    await assert.rejects(create(ubuntu), { message: /supports Ubuntu, Debian 13; the parent image is Debian 12/ });
    await assert.rejects(create('arn:aws:imagebuilder:us-east-1:aws:component/update-linux/x.x.x'), {
      name: 'InvalidRequestException',
      message: /components of Amazon/,
    });
    await assert.rejects(
      call.CreateImageRecipe({
        ...WEB,
        parentImage: 'arn:aws:imagebuilder:us-east-1:aws:image/windows-server-2025-x86/x.x.x',
        components: [{ componentArn: plain }],
        ...token(),
      }),
      { message: /component is for Linux, the parent image is Windows/ },
    );
    await create(debian, plain);
  });

  it('take as parent a catalogue image, an AMI of this installation or an own available image', async () => {
    await using store = await openTestStore();
    const { call, service } = testService(store);
    const own = await insertImage(service.db, { slug: 'base', status: 'AVAILABLE', platform: 'macOS' });
    const unfinished = await insertImage(service.db, { slug: 'half', status: 'BUILDING' });
    const create = (parentImage: string) =>
      call.CreateImageRecipe({ ...WEB, semanticVersion: '1.0.x', parentImage, ...token() });
    const accepted = [
      DEBIAN_ARN,
      DEBIAN_ARN.replace('x.x.x', '2026.x.x'),
      DEBIAN_ARN.replace('x.x.x', '2026.11.23'),
      DEBIAN_ARN.replace('x.x.x', '2026.11.23/1'),
      IMPORTED_AMI,
      own,
      own.replace('1.0.0/1', 'x.x.x'),
    ];
    for (const parentImage of accepted) await create(parentImage);
    const { imageRecipe } = await call.GetImageRecipe({
      imageRecipeArn: `${ARN_PREFIX}image-recipe/web-server/x.x.x`,
    });
    assert.equal(imageRecipe?.platform, 'macOS');

    const refused: [string, string, RegExp][] = [
      ['ami-00000000000000000', 'InvalidParameterValueException', /does not exist/],
      [DEBIAN_ARN.replace('x.x.x', '2025.x.x'), 'InvalidParameterValueException', /catalogue/],
      [DEBIAN_ARN.replace('debian-server-12', 'plan9'), 'InvalidParameterValueException', /debian-server-12-x86/],
      [DEBIAN_ARN.replace('us-east-1', 'eu-west-1'), 'InvalidParameterValueException', /catalogue/],
      [DEBIAN_ARN.replace('x.x.x', 'x.1.x'), 'InvalidVersionNumberException', /right of an x/],
      [unfinished, 'ResourceNotFoundException', /half/],
      [own.replace('base', 'other'), 'ResourceNotFoundException', /other/],
      ['ssm:/base/ami', 'InvalidRequestException', /SSM parameters/],
      ['prod-abc123', 'InvalidRequestException', /Marketplace/],
      ['arn:aws:imagebuilder:us-east-1:aws-marketplace:image/x/x.x.x', 'InvalidRequestException', /Marketplace/],
      ['debian', 'InvalidParameterValueException', /AMI id/],
    ];
    for (const [parentImage, name, message] of refused) {
      await assert.rejects(create(parentImage), { name, message }, parentImage);
    }
  });

  it('refuse volumes whose members contradict each other', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const create = (...blockDeviceMappings: object[]) =>
      call.CreateImageRecipe({ ...WEB, blockDeviceMappings, ...token() });
    const root = { deviceName: '/dev/xvda', ebs: { volumeSize: 8 } };
    await assert.rejects(create({ ebs: { volumeSize: 8 } }), { message: /blockDeviceMappings\[0\]\.deviceName/ });
    await assert.rejects(create(root, root), { message: /blockDeviceMappings\[1\]\.deviceName.*twice/ });
    await assert.rejects(create({ deviceName: '/dev/xvda' }), { message: /'blockDeviceMappings\[0\]'/ });
    await assert.rejects(create(root, { deviceName: '/dev/xvdb', ebs: { volumeType: 'gp3' } }), {
      message: /blockDeviceMappings\[1\]\.ebs\.volumeSize/,
    });
    await assert.rejects(create({ ...root, ebs: { volumeType: 'io2' } }), {
      name: 'InvalidParameterCombinationException',
      message: /ebs\.iops/,
    });
    await assert.rejects(create({ ...root, ebs: { volumeType: 'gp2', throughput: 125 } }), { message: /gp3/ });
    await assert.rejects(create({ ...root, ebs: { encrypted: true } }), {
      name: 'InvalidRequestException',
      message: /'blockDeviceMappings\[0\]\.ebs\.encrypted'/,
    });
  });

  it('are deleted exactly, unless a pipeline needs them', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const { imageRecipeArn = '' } = await call.CreateImageRecipe({ ...WEB, ...token() });
    const { infrastructureConfigurationArn = '' } = await call.CreateInfrastructureConfiguration({
      name: 'infra',
      instanceProfileName: 'profile',
      ...token(),
    });
    const wildcard = `${ARN_PREFIX}image-recipe/web-server/x.x.x`;
    const { imagePipelineArn = '' } = await call.CreateImagePipeline({
      name: 'pipeline',
      imageRecipeArn: wildcard,
      infrastructureConfigurationArn,
      ...token(),
    });
    await assert.rejects(call.DeleteImageRecipe({ imageRecipeArn: wildcard }), {
      name: 'InvalidParameterValueException',
    });
    await assert.rejects(call.DeleteImageRecipe({ imageRecipeArn }), {
      name: 'ResourceDependencyException',
      message: new RegExp(`depended on it\\. It is needed by ${imagePipelineArn}\\.`),
    });
    await call.DeleteImagePipeline({ imagePipelineArn });
    await call.DeleteImageRecipe({ imageRecipeArn });
    for (const operation of [call.GetImageRecipe, call.DeleteImageRecipe]) {
      await assert.rejects(operation({ imageRecipeArn }), { name: 'ResourceNotFoundException' });
    }
  });

  it('never keep a reference to a component that is deleted at the same time', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    for (let round = 0; round < 10; round += 1) {
      const componentArn = await createComponent(call, `part-${round}`);
      const [recipe, deletion] = await Promise.allSettled([
        call.CreateImageRecipe({ ...WEB, semanticVersion: `1.0.${round}`, components: [{ componentArn }], ...token() }),
        call.DeleteComponent({ componentBuildVersionArn: componentArn }),
      ]);
      assert.notEqual(recipe.status, deletion.status);
      const { reason } = [recipe, deletion].find((result) => result.status === 'rejected') ?? assert.fail();
      assert.ok(['ResourceNotFoundException', 'ResourceDependencyException'].includes(reason.name), String(reason));
    }
  });

  it('keep an own image that they are based on', async () => {
    await using store = await openTestStore();
    const { call, service } = testService(store);
    const arn = await insertImage(service.db, { slug: 'base', status: 'AVAILABLE' });
    const { imageRecipeArn = '' } = await call.CreateImageRecipe({
      ...WEB,
      parentImage: arn.replace('1.0.0/1', 'x.x.x'),
      ...token(),
    });
    await assert.rejects(call.DeleteImage({ imageBuildVersionArn: arn }), {
      name: 'ResourceDependencyException',
      message: new RegExp(imageRecipeArn),
    });
    const failed = await insertImage(service.db, { slug: 'base', build: 2, status: 'FAILED' });
    await call.DeleteImage({ imageBuildVersionArn: failed });
    await insertImage(service.db, { slug: 'base', build: 3, status: 'AVAILABLE' });
    await call.DeleteImage({ imageBuildVersionArn: arn });
  });
});
