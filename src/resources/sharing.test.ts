import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { insertImage } from '../state/test-rows.ts';
import { openTestStore } from '../state/test-store.ts';
import {
  ARN_PREFIX,
  bind,
  type Call,
  componentData,
  DEBIAN_ARN,
  IMPORTED_AMI,
  testService,
  token,
} from './test-service.ts';

const OTHER = '999999999999';
const DENIED = { name: 'AccessDeniedException', message: /because no resource-based policy allows the/ };

async function accounts(ports: Parameters<typeof testService>[3] = {}) {
  const store = await openTestStore();
  const { service, call: owner } = testService(store, {}, {}, ports);
  return {
    service,
    owner,
    other: bind(service, { accountId: OTHER, user: 'eve' }).call,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

async function createComponent(call: Call, semanticVersion = '1.0.0', text = 'hello'): Promise<string> {
  const request = { name: 'nginx', semanticVersion, platform: 'Linux' as const, data: componentData(text), ...token() };
  const { componentBuildVersionArn = '' } = await call.CreateComponent(request);
  return componentBuildVersionArn;
}

interface Grant {
  readonly to?: string;
  readonly actions?: readonly string[];
  readonly effect?: 'Allow' | 'Deny';
  readonly condition?: object;
}

function policy(resource: string, grants: readonly Grant[]): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: grants.map(({ to = OTHER, actions = [], effect = 'Allow', condition }) => ({
      Effect: effect,
      Principal: { AWS: to },
      Action: actions.map((action) => `imagebuilder:${action}`),
      Resource: resource,
      ...(condition === undefined ? {} : { Condition: condition }),
    })),
  });
}

const COMPONENT_ACTIONS = ['GetComponent', 'ListComponents'];

async function share(call: Call, arn: string, grants: readonly Grant[] = [{ actions: COMPONENT_ACTIONS }]) {
  await call.PutComponentPolicy({ componentArn: arn, policy: policy(arn, grants) });
}

function createRecipe(call: Call, componentArn: string, parentImage = DEBIAN_ARN) {
  return call.CreateImageRecipe({
    name: 'web',
    semanticVersion: '1.0.x',
    parentImage,
    components: [{ componentArn }],
    ...token(),
  });
}

async function createImage(call: Call, imageRecipeArn: string): Promise<string> {
  const { infrastructureConfigurationArn = '' } = await call.CreateInfrastructureConfiguration({
    name: `infra ${token().clientToken}`,
    instanceProfileName: 'profile',
    ...token(),
  });
  const { imageBuildVersionArn = '' } = await call.CreateImage({
    imageRecipeArn,
    infrastructureConfigurationArn,
    ...token(),
  });
  return imageBuildVersionArn;
}

describe('accounts of one installation', () => {
  it('each have resources, versions, quotas and tokens of their own', async () => {
    await using store = await openTestStore();
    const { service, call: owner } = testService(store, {}, { components: 1 });
    const other = bind(service, { accountId: OTHER }).call;
    const request = { name: 'nginx', semanticVersion: '1.0.0', platform: 'Linux' as const, data: componentData() };
    const [first, second] = [
      await owner.CreateComponent({ ...request, clientToken: 'same' }),
      await other.CreateComponent({ ...request, clientToken: 'same', description: 'Another.' }),
    ];
    assert.equal(first.componentBuildVersionArn, `${ARN_PREFIX}component/nginx/1.0.0/1`);
    assert.equal(second.componentBuildVersionArn, `arn:aws:imagebuilder:us-east-1:${OTHER}:component/nginx/1.0.0/1`);
    const { componentVersionList = [] } = await other.ListComponents({});
    assert.deepEqual(
      componentVersionList.map(({ arn, owner: of }) => ({ arn, of })),
      [{ arn: `arn:aws:imagebuilder:us-east-1:${OTHER}:component/nginx/1.0.0`, of: OTHER }],
    );
    await assert.rejects(other.CreateComponent({ ...request, semanticVersion: '2.0.0', ...token() }), {
      name: 'ServiceQuotaExceededException',
    });
  });

  it('do not find executions of each other by their ids', async () => {
    await using place = await accounts();
    const { service, owner, other } = place;
    const imageArn = await insertImage(service.db, { status: 'FAILED' });
    const [workflow, step] = [`wf-${crypto.randomUUID()}`, `step-${crypto.randomUUID()}`];
    await service.db
      .insertInto('workflow_executions')
      .values({
        ...{ id: workflow, image_arn: imageArn, workflow_arn: 'w', type: 'BUILD', status: 'FAILED', message: null },
        ...{ total_step_count: 1, position: 0, parallel_group: null, started_at: null, ended_at: null },
      })
      .execute();
    await service.db
      .insertInto('workflow_step_executions')
      .values({
        ...{ id: step, workflow_execution_id: workflow, image_arn: imageArn, name: 'S', description: null },
        ...{ action: 'LaunchInstance', status: 'FAILED', rollback_status: null, message: null, inputs: '{}' },
        ...{ outputs: null, on_failure: 'Abort', timeout_seconds: 1, attempt_number: 1, max_attempts: 1 },
        ...{ position: 0, started_at: null, ended_at: null },
      })
      .execute();
    const update = { resourceArn: imageArn, state: { status: 'DELETED' as const }, executionRole: 'role' };
    const { lifecycleExecutionId = '' } = await owner.StartResourceStateUpdate({
      ...{ ...update, includeResources: { amis: true, snapshots: true }, ...token() },
    });
    const asked = [
      (call: Call) => call.GetWorkflowExecution({ workflowExecutionId: workflow }),
      (call: Call) => call.ListWorkflowStepExecutions({ workflowExecutionId: workflow }),
      (call: Call) => call.GetWorkflowStepExecution({ stepExecutionId: step }),
      (call: Call) => call.GetLifecycleExecution({ lifecycleExecutionId }),
      (call: Call) => call.ListLifecycleExecutionResources({ lifecycleExecutionId }),
    ];
    for (const ask of asked) {
      await ask(owner);
      await assert.rejects(ask(other), { name: 'ResourceNotFoundException' }, String(ask));
    }
  });
});

describe('a resource policy', () => {
  it('shares a component to be read, listed and used, and nothing without it', async () => {
    await using place = await accounts();
    const { owner, other } = place;
    const arn = await createComponent(owner);
    for (const wanted of [arn, arn.replace('/1.0.0/1', '/x.x.x'), arn.replace('nginx', 'none')]) {
      await assert.rejects(other.GetComponent({ componentBuildVersionArn: wanted }), DENIED);
      await assert.rejects(createRecipe(other, wanted), DENIED);
    }
    assert.deepEqual((await other.ListComponents({ owner: 'Shared' })).componentVersionList, []);
    await share(owner, arn);
    const { component } = await other.GetComponent({ componentBuildVersionArn: arn });
    assert.equal(component?.data, componentData());
    const { componentVersionList = [] } = await other.ListComponents({ owner: 'Shared' });
    assert.deepEqual(
      componentVersionList.map(({ arn: listed, owner: of }) => [listed, of]),
      [[arn.replace(/\/1$/, ''), '123456789012']],
    );
    assert.deepEqual((await other.ListComponents({})).componentVersionList, []);
    assert.deepEqual((await owner.ListComponents({ owner: 'Shared' })).componentVersionList, []);
    await createRecipe(other, arn.replace('/1.0.0/1', '/x.x.x'));
  });

  it('shares builds one by one: a version means the newest that is shared', async () => {
    await using place = await accounts();
    const { owner, other } = place;
    const first = await createComponent(owner, '1.0.0', 'one');
    const second = await createComponent(owner, '1.0.0', 'two');
    const third = await createComponent(owner, '1.1.0', 'three');
    for (const arn of [first, second]) await share(owner, arn);
    const any = { componentBuildVersionArn: first.replace('/1.0.0/1', '/x.x.x') };
    assert.equal((await owner.GetComponent(any)).component?.arn, third);
    assert.equal((await other.GetComponent(any)).component?.arn, second);
    await assert.rejects(other.GetComponent({ componentBuildVersionArn: third }), DENIED);
    const { componentVersionList = [] } = await other.ListComponents({ owner: 'Shared', byName: true });
    assert.deepEqual(
      componentVersionList.map(({ arn, version }) => [arn, version]),
      [[first.replace(/\/1$/, ''), '1.0.0']],
    );
  });

  it('gives each action by itself, to whom it names, and a Deny wins', async () => {
    await using place = await accounts();
    const { service, owner, other } = place;
    const arn = await createComponent(owner);
    const bob = bind(service, { accountId: OTHER, user: 'bob' }).call;
    const sees = async (call: Call) => ({
      get: await call.GetComponent({ componentBuildVersionArn: arn }).then(
        () => true,
        () => false,
      ),
      list: (await call.ListComponents({ owner: 'Shared' })).componentVersionList?.length === 1,
    });
    await share(owner, arn, [{ actions: ['ListComponents'] }]);
    assert.deepEqual(await sees(other), { get: false, list: true });
    await share(owner, arn, [{ actions: ['GetComponent'], to: `arn:aws:iam::${OTHER}:user/eve` }]);
    assert.deepEqual(await sees(other), { get: true, list: false });
    assert.deepEqual(await sees(bob), { get: false, list: false });
    await share(owner, arn, [
      { actions: COMPONENT_ACTIONS },
      { actions: ['GetComponent'], effect: 'Deny', to: `arn:aws:iam::${OTHER}:user/bob` },
    ]);
    assert.deepEqual(await sees(other), { get: true, list: true });
    assert.deepEqual(await sees(bob), { get: false, list: true });
    await share(owner, arn, [{ actions: COMPONENT_ACTIONS, to: '888888888888' }]);
    assert.deepEqual(await sees(other), { get: false, list: false });
  });

  it('has conditions, of which all must hold', async () => {
    await using place = await accounts();
    const { owner, other } = place;
    const arn = await createComponent(owner);
    const from = (range: string) => [
      { actions: COMPONENT_ACTIONS, condition: { IpAddress: { 'aws:SourceIp': range } } },
    ];
    await share(owner, arn, from('127.0.0.0/8'));
    await other.GetComponent({ componentBuildVersionArn: arn });
    await share(owner, arn, from('10.0.0.0/8'));
    await assert.rejects(other.GetComponent({ componentBuildVersionArn: arn }), DENIED);
    const unknown = policy(arn, [{ actions: COMPONENT_ACTIONS, condition: { Bool: { 'aws:Nothing': 'true' } } }]);
    await assert.rejects(owner.PutComponentPolicy({ componentArn: arn, policy: unknown }), {
      name: 'InvalidParameterValueException',
      message: /condition key 'aws:Nothing'/,
    });
  });

  it('keeps what it shares from being deleted, until it shares with nobody; those who used it do not', async () => {
    await using place = await accounts();
    const { owner, other } = place;
    const arn = await createComponent(owner);
    await share(owner, arn);
    await createRecipe(other, arn);
    await assert.rejects(owner.DeleteComponent({ componentBuildVersionArn: arn }), {
      name: 'ResourceDependencyException',
      message: /shares it with 999999999999/,
    });
    await share(owner, arn, []);
    await assert.rejects(other.GetComponent({ componentBuildVersionArn: arn }), DENIED);
    await owner.DeleteComponent({ componentBuildVersionArn: arn });
  });

  it('is asked again when a build is started, which then uses exactly what was shared', async () => {
    await using place = await accounts();
    const { owner, other } = place;
    const arn = await createComponent(owner);
    await share(owner, arn);
    const { imageRecipeArn = '' } = await createRecipe(other, arn.replace('/1.0.0/1', '/1.x.x'));
    const { image } = await other.GetImage({ imageBuildVersionArn: await createImage(other, imageRecipeArn) });
    assert.equal(image?.imageRecipe?.components?.[0]?.componentArn, arn);
    const { imageRecipe } = await other.GetImageRecipe({ imageRecipeArn });
    assert.equal(imageRecipe?.components?.[0]?.componentArn, arn.replace('/1.0.0/1', '/1.x.x'));
    await share(owner, arn, []);
    await assert.rejects(createImage(other, imageRecipeArn), DENIED);
  });

  it('shares images as parents, and with them their AMIs', async () => {
    const madeBy = `${ARN_PREFIX}image/web/1.0.0/1`;
    const ami = 'ami-00000000000000001';
    await using place = await accounts({
      parentImages: {
        managed: () => undefined,
        listManaged: () => [],
        ami: async (id) => ({
          ...{ name: 'web', version: '1.0.0', platform: 'Linux', osVersion: undefined, description: undefined },
          ...{ madeBy: id === ami ? madeBy : undefined, isOfCatalog: id === 'ami-00000000000000002' },
        }),
      },
    });
    const { service, owner, other } = place;
    await insertImage(service.db, { status: 'AVAILABLE' });
    const own = await createComponent(other);
    const refused = { name: 'InvalidParameterValueException', message: /does not exist here/ };
    await createRecipe(other, own, 'ami-00000000000000002');
    for (const parent of [ami, IMPORTED_AMI]) await assert.rejects(createRecipe(other, own, parent), refused);
    await assert.rejects(createRecipe(other, own, madeBy), DENIED);
    await assert.rejects(other.GetImage({ imageBuildVersionArn: madeBy }), DENIED);
    const granted = policy(madeBy, [{ actions: ['GetImage', 'ListImages'] }]);
    await owner.PutImagePolicy({ imageArn: madeBy, policy: granted });
    const parent = madeBy.replace('/1.0.0/1', '/x.x.x');
    for (const wanted of [ami, parent]) await createRecipe(other, own, wanted);
    assert.equal((await other.GetImage({ imageBuildVersionArn: parent })).image?.arn, madeBy);
    const { imageVersionList = [] } = await other.ListImages({ owner: 'Shared' });
    assert.deepEqual(
      imageVersionList.map((image) => image.arn),
      [madeBy.replace(/\/1$/, '')],
    );
    const { imageRecipeArn = '' } = await createRecipe(other, own, parent);
    const { image } = await other.GetImage({ imageBuildVersionArn: await createImage(other, imageRecipeArn) });
    assert.equal(image?.imageRecipe?.parentImage, madeBy);
    assert.equal(image?.arn, `arn:aws:imagebuilder:us-east-1:${OTHER}:image/web/1.0.3/1`);
  });

  it('shares recipes of both kinds, whose parts are shared each by themselves', async () => {
    await using place = await accounts();
    const { owner, other } = place;
    const arn = await createComponent(owner);
    const { imageRecipeArn = '' } = await createRecipe(owner, arn);
    const actions = ['GetImageRecipe', 'ListImageRecipes'];
    await assert.rejects(other.GetImageRecipe({ imageRecipeArn }), DENIED);
    await assert.rejects(createImage(other, imageRecipeArn), DENIED);
    await owner.PutImageRecipePolicy({ imageRecipeArn, policy: policy(imageRecipeArn, [{ actions }]) });
    assert.equal((await other.GetImageRecipe({ imageRecipeArn })).imageRecipe?.name, 'web');
    const { imageRecipeSummaryList = [] } = await other.ListImageRecipes({ owner: 'Shared' });
    assert.deepEqual(
      imageRecipeSummaryList.map((recipe) => recipe.arn),
      [imageRecipeArn],
    );
    await assert.rejects(createImage(other, imageRecipeArn), DENIED);
    await share(owner, arn);
    assert.match(await createImage(other, imageRecipeArn), new RegExp(`:${OTHER}:image/web/1.0.0/1$`));
    const { containerRecipeArn = '' } = await owner.CreateContainerRecipe({
      ...{ name: 'box', semanticVersion: '1.0.0', containerType: 'DOCKER', parentImage: 'debian:12' },
      targetRepository: { service: 'ECR', repositoryName: 'box' },
      dockerfileTemplateData: 'FROM {{{ imagebuilder:parentImage }}}',
      ...token(),
    });
    await assert.rejects(other.GetContainerRecipe({ containerRecipeArn }), DENIED);
    const statement = [{ actions: ['GetContainerRecipe', 'ListContainerRecipes'] }];
    await owner.PutContainerRecipePolicy({ containerRecipeArn, policy: policy(containerRecipeArn, statement) });
    assert.equal((await other.GetContainerRecipe({ containerRecipeArn })).containerRecipe?.name, 'box');
    assert.equal((await other.ListContainerRecipes({ owner: 'Shared' })).containerRecipeSummaryList?.length, 1);
  });
});

it('lists of what is shared have pages and filters', async () => {
  await using place = await accounts();
  const { owner, other } = place;
  for (const version of ['1.0.0', '1.1.0', '2.0.0']) await share(owner, await createComponent(owner, version));
  const seen: (string | undefined)[] = [];
  let nextToken: string | undefined;
  do {
    const page = await other.ListComponents({
      ...{ owner: 'Shared', maxResults: 1 },
      ...(nextToken === undefined ? {} : { nextToken }),
    });
    seen.push(...(page.componentVersionList ?? []).map(({ version }) => version));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  assert.deepEqual(seen, ['1.0.0', '1.1.0', '2.0.0']);
  const filters = [{ name: 'version', values: ['1.x.x'] }];
  const { componentVersionList = [] } = await other.ListComponents({ owner: 'Shared', filters });
  assert.equal(componentVersionList.length, 2);
});
