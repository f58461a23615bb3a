import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openTestStore } from '../state/test-store.ts';
import { ARN_PREFIX, AT, componentData, DEBIAN_ARN, testService, token } from './test-service.ts';

const NGINX = { name: 'My Nginx', semanticVersion: '1.0.0', platform: 'Linux' as const, data: componentData() };

describe('components', () => {
  it('answers Create with the first build and the references to its versions, and Get with all members', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const data = componentData(
      'hello',
      'build',
      'parameters:\n  - Port: { type: string, default: "80", description: Where it listens }\n  - Site: { type: string }',
    );
    const created = await call.CreateComponent({
      ...NGINX,
      data,
      description: 'A server',
      changeDescription: 'First',
      supportedOsVersions: ['Debian 12'],
      tags: { team: 'web' },
      clientToken: 'one',
    });
    const arn = `${ARN_PREFIX}component/my-nginx/1.0.0/1`;
    const references = {
      latestVersionArn: `${ARN_PREFIX}component/my-nginx/x.x.x`,
      latestMajorVersionArn: `${ARN_PREFIX}component/my-nginx/1.x.x`,
      latestMinorVersionArn: `${ARN_PREFIX}component/my-nginx/1.0.x`,
      latestPatchVersionArn: `${ARN_PREFIX}component/my-nginx/1.0.0`,
    };
    assert.deepEqual(created, {
      componentBuildVersionArn: arn,
      latestVersionReferences: references,
      clientToken: 'one',
    });
    assert.deepEqual(await call.GetComponent({ componentBuildVersionArn: arn }), {
      component: {
        arn,
        name: 'My Nginx',
        version: '1.0.0',
        description: 'A server',
        changeDescription: 'First',
        type: 'BUILD',
        platform: 'Linux',
        supportedOsVersions: ['Debian 12'],
        parameters: [
          { name: 'Port', type: 'string', defaultValue: ['80'], description: 'Where it listens' },
          { name: 'Site', type: 'string' },
        ],
        owner: '123456789012',
        data,
        encrypted: false,
        dateCreated: AT.toISOString(),
        tags: { team: 'web' },
      },
      latestVersionReferences: references,
    });
  });

  it('refuses a second create with the same content and gives changed content the next build', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const first = await call.CreateComponent({ ...NGINX, ...token() });
    await assert.rejects(call.CreateComponent({ ...NGINX, ...token() }), {
      name: 'ResourceAlreadyExistsException',
      message: `The following resource 'Component' already exists: '${first.componentBuildVersionArn}'.`,
    });
    const second = await call.CreateComponent({ ...NGINX, data: componentData('changed'), ...token() });
    assert.equal(second.componentBuildVersionArn, `${ARN_PREFIX}component/my-nginx/1.0.0/2`);
    // Back to the first text is a change against the newest build.
    const third = await call.CreateComponent({ ...NGINX, ...token() });
    assert.equal(third.componentBuildVersionArn, `${ARN_PREFIX}component/my-nginx/1.0.0/3`);
  });

  it('gives 50 concurrent creates of one version 50 builds', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const created = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        call.CreateComponent({ ...NGINX, data: componentData(`text ${index}`), ...token() }),
      ),
    );
    const builds = created.map(({ componentBuildVersionArn = '' }) =>
      Number(componentBuildVersionArn.split('/').at(-1)),
    );
    assert.deepEqual(
      builds.sort((a, b) => a - b),
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
  });

  it('lets one of several concurrent creates with the same content through', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () => call.CreateComponent({ ...NGINX, ...token() })),
    );
    assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
  });

  it('makes a component whose only phase is test a test component', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const { componentBuildVersionArn = '' } = await call.CreateComponent({
      ...NGINX,
      data: componentData('hello', 'test'),
      ...token(),
    });
    const { component } = await call.GetComponent({ componentBuildVersionArn });
    assert.equal(component?.type, 'TEST');
  });

  it('reads the document behind a uri and keeps its text', async () => {
    await using store = await openTestStore();
    const large = `${componentData('x')}\n#${'x'.repeat(64 * 1024)}`;
    const { call } = testService(store, {
      's3://bucket/nginx.yaml': componentData('from a bucket'),
      's3://bucket/large.yaml': large,
      's3://bucket/binary': `${componentData()}\n# \0`,
    });
    const { data: _data, ...withoutData } = NGINX;
    const { componentBuildVersionArn = '' } = await call.CreateComponent({
      ...withoutData,
      uri: 's3://bucket/nginx.yaml',
      ...token(),
    });
    const { component } = await call.GetComponent({ componentBuildVersionArn });
    assert.match(component?.data ?? '', /from a bucket/);
    for (const uri of ['s3://bucket/large.yaml', 's3://bucket/binary']) {
      await assert.rejects(call.CreateComponent({ ...withoutData, uri, ...token() }), {
        name: 'InvalidParameterValueException',
        message: /'uri'/,
      });
    }
    await assert.rejects(call.CreateComponent({ ...withoutData, uri: 's3://bucket/none', ...token() }), {
      name: 'InvalidParameterValueException',
    });
  });

  it('needs exactly one of data and uri', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const { data: _data, ...withoutData } = NGINX;
    for (const input of [withoutData, { ...NGINX, uri: 's3://bucket/key' }]) {
      await assert.rejects(call.CreateComponent({ ...input, ...token() }), {
        name: 'InvalidParameterCombinationException',
      });
    }
  });

  it('names every problem of a document with its place, and stores nothing', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const data = `${componentData()}\n      - name: Other\n        action: NoSuchAction\nunknownKey: 1`;
    await assert.rejects(call.CreateComponent({ ...NGINX, data, ...token() }), (error: Error) => {
      assert.equal(error.name, 'InvalidParameterValueException');
      assert.match(error.message, /^The value supplied for parameter 'data' is not valid\. /);
      assert.match(error.message, /My Nginx:\d+:\d+: .*NoSuchAction/);
      assert.match(error.message, /My Nginx:\d+:\d+: .*unknownKey/);
      return true;
    });
    assert.deepEqual(await call.ListComponents({}), { componentVersionList: [] });
  });

  it('refuses members that Kiln does not have and versions that are out of bounds', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    await assert.rejects(call.CreateComponent({ ...NGINX, kmsKeyId: 'alias/key', ...token() }), {
      name: 'InvalidRequestException',
      message: "Kiln does not support 'kmsKeyId' (encryption with KMS keys) yet.",
    });
    await assert.rejects(call.CreateComponent({ ...NGINX, semanticVersion: '1.0.1073741824', ...token() }), {
      name: 'InvalidVersionNumberException',
    });
  });

  it('resolves wildcards to the highest version and its newest build, nodes compared as numbers', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    for (const semanticVersion of ['1.7.8', '1.10.0', '2.2.4', '1.6.8']) {
      await call.CreateComponent({ ...NGINX, semanticVersion, ...token() });
    }
    await call.CreateComponent({ ...NGINX, semanticVersion: '2.2.4', data: componentData('newer'), ...token() });
    const resolved = async (version: string) => {
      const componentBuildVersionArn = `${ARN_PREFIX}component/my-nginx/${version}`;
      return (await call.GetComponent({ componentBuildVersionArn })).component?.arn?.split('my-nginx/')[1];
    };
    assert.equal(await resolved('x.x.x'), '2.2.4/2');
    assert.equal(await resolved('1.x.x'), '1.10.0/1');
    assert.equal(await resolved('1.6.x'), '1.6.8/1');
    assert.equal(await resolved('2.2.4'), '2.2.4/2');
    await assert.rejects(resolved('x.2.x'), { name: 'InvalidVersionNumberException' });
    await assert.rejects(resolved('1073741824.x.x'), { name: 'InvalidVersionNumberException' });
    await assert.rejects(resolved('3.x.x'), { name: 'ResourceNotFoundException' });
  });

  it('lists versions in order of names and numbers, described by their newest build', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    for (const [name, semanticVersion, text] of [
      ['beta', '1.10.0', 'a'],
      ['beta', '1.9.0', 'a'],
      ['alpha', '1.0.0', 'a'],
      ['alpha', '1.0.0', 'b'],
    ] as const) {
      await call.CreateComponent({ ...NGINX, name, semanticVersion, description: text, ...token() });
    }
    const { componentVersionList = [] } = await call.ListComponents({});
    assert.deepEqual(
      componentVersionList.map(({ arn }) => arn?.slice(ARN_PREFIX.length)),
      ['component/alpha/1.0.0', 'component/beta/1.9.0', 'component/beta/1.10.0'],
    );
    assert.deepEqual(componentVersionList[0], {
      arn: `${ARN_PREFIX}component/alpha/1.0.0`,
      name: 'alpha',
      version: '1.0.0',
      description: 'b',
      platform: 'Linux',
      type: 'BUILD',
      owner: '123456789012',
      dateCreated: AT.toISOString(),
    });
    const byName = await call.ListComponents({ byName: true });
    assert.deepEqual(
      byName.componentVersionList?.map(({ arn }) => arn?.slice(ARN_PREFIX.length)),
      ['component/alpha/1.0.0', 'component/beta/1.10.0'],
    );
    const builds = await call.ListComponentBuildVersions({
      componentVersionArn: `${ARN_PREFIX}component/alpha/1.0.0`,
    });
    assert.deepEqual(
      builds.componentSummaryList?.map(({ arn, description, tags }) => [arn?.split('/').at(-1), description, tags]),
      [
        ['1', 'a', {}],
        ['2', 'b', {}],
      ],
    );
    assert.equal((await call.ListComponentBuildVersions({})).componentSummaryList?.length, 4);
  });

  it('filters by values that are combined with or, and by filters that are combined with and', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    await call.CreateComponent({ ...NGINX, name: 'one', ...token() });
    await call.CreateComponent({ ...NGINX, name: 'two', semanticVersion: '1.2.0', ...token() });
    await call.CreateComponent({ ...NGINX, name: 'tri', data: componentData('x', 'test'), ...token() });
    const names = async (...filters: [string, ...string[]][]) => {
      const input = { filters: filters.map(([name, ...values]) => ({ name, values })) };
      return (await call.ListComponents(input)).componentVersionList?.map(({ name }) => name);
    };
    assert.deepEqual(await names(['name', 'one', 'two']), ['one', 'two']);
    assert.deepEqual(await names(['name', 'one', 'tri'], ['type', 'TEST']), ['tri']);
    assert.deepEqual(await names(['version', '1.2.x']), ['two']);
    assert.deepEqual(await names(['name', 'ONE']), []);
    await assert.rejects(names(['Name', 'one']), {
      name: 'InvalidParameterValueException',
      message: /filters\[0\]\.name.*Did you mean 'name'/,
    });
    await assert.rejects(call.ListComponents({ byName: true, filters: [{ name: 'version', values: ['1.x.x'] }] }), {
      name: 'InvalidParameterCombinationException',
    });
    for (const owner of ['Shared', 'Amazon', 'ThirdParty', 'AWSMarketplace'] as const) {
      assert.deepEqual(await call.ListComponents({ owner }), { componentVersionList: [] });
    }
  });

  it('deletes a build, after which it is not found and its number is not given again', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const { componentBuildVersionArn = '' } = await call.CreateComponent({ ...NGINX, ...token() });
    assert.deepEqual(await call.DeleteComponent({ componentBuildVersionArn }), { componentBuildVersionArn });
    await assert.rejects(call.GetComponent({ componentBuildVersionArn }), { name: 'ResourceNotFoundException' });
    await assert.rejects(call.DeleteComponent({ componentBuildVersionArn }), { name: 'ResourceNotFoundException' });
    const next = await call.CreateComponent({ ...NGINX, ...token() });
    assert.equal(next.componentBuildVersionArn, `${ARN_PREFIX}component/my-nginx/1.0.0/2`);
  });

  it('keeps a build that a recipe needs, by its ARN or as the last one that a wildcard finds', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const first = await call.CreateComponent({ ...NGINX, ...token() });
    const second = await call.CreateComponent({ ...NGINX, data: componentData('second'), ...token() });
    const { imageRecipeArn = '' } = await call.CreateImageRecipe({
      name: 'web',
      semanticVersion: '1.0.0',
      parentImage: DEBIAN_ARN,
      components: [{ componentArn: `${ARN_PREFIX}component/my-nginx/1.x.x` }],
      ...token(),
    });
    await call.DeleteComponent({ componentBuildVersionArn: second.componentBuildVersionArn ?? '' });
    const last = { componentBuildVersionArn: first.componentBuildVersionArn ?? '' };
    await assert.rejects(call.DeleteComponent(last), {
      name: 'ResourceDependencyException',
      message:
        `Resource dependency error: The resource ARN '${last.componentBuildVersionArn}' has other resources ` +
        `depended on it. It is needed by ${imageRecipeArn}.`,
    });
    await call.GetComponent(last);
    await call.DeleteImageRecipe({ imageRecipeArn });
    await call.DeleteComponent(last);
  });
});
