import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CREDENTIAL, REGION } from '../../src/api/api.fixture.ts';
import { componentData } from '../../src/resources/test-service.ts';
import type { Store } from '../../src/state/open-store.ts';
import { openTestStore } from '../../src/state/test-store.ts';
import { awsCli } from './aws-cli.ts';
import { ARN_PREFIX, PARENT_IMAGE, serveOperations } from './served-operations.ts';

/** The record of a build that went well; no worker runs here. */
async function finishBuild({ db }: Store, arn: string): Promise<void> {
  const amis = [{ region: REGION, image: 'ami-0aaaaaaaaaaaaaaaa', name: 'web' }];
  await db
    .updateTable('images')
    .set({ status: 'AVAILABLE', output_resources: JSON.stringify({ amis }) })
    .where('arn', '=', arn)
    .execute();
}

test("Debian's AWS CLI makes, reads, lists, tags and deletes", async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'kiln-cli-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const store = stack.use(await openTestStore());
  const served = stack.use(await serveOperations(store));
  const { url } = await served.fixture.listen();
  const aws = awsCli({ url, region: REGION, credentials: CREDENTIAL, folder });

  const data = join(folder, 'component.yaml');
  await writeFile(data, componentData('hello'));
  const component = await aws(
    'create-component',
    ...['--name', 'Web Server', '--semantic-version', '1.0.0', '--platform', 'Linux'],
    ...['--data', `file://${data}`, '--tags', 'team=web,stage=test'],
  );
  const componentArn = `${ARN_PREFIX}component/web-server/1.0.0/1`;
  assert.equal(component['componentBuildVersionArn'], componentArn);
  const got = await aws('get-component', '--component-build-version-arn', componentArn);
  assert.equal((got['component'] as { data: string }).data, componentData('hello'));

  const recipe = await aws(
    'create-image-recipe',
    ...['--name', 'web', '--semantic-version', '1.0.0', '--parent-image', PARENT_IMAGE],
    ...['--components', `componentArn=${componentArn}`],
  );
  const infrastructure = await aws(
    'create-infrastructure-configuration',
    ...['--name', 'here', '--instance-profile-name', 'builder', '--instance-types', 'm5.large', 't3.micro'],
    '--no-terminate-instance-on-failure',
  );
  const imageRecipeArn = String(recipe['imageRecipeArn']);
  const infrastructureArn = String(infrastructure['infrastructureConfigurationArn']);
  const created = await aws(
    'create-image',
    ...['--image-recipe-arn', imageRecipeArn, '--infrastructure-configuration-arn', infrastructureArn],
    ...['--image-tests-configuration', 'imageTestsEnabled=false,timeoutMinutes=60'],
  );
  const imageArn = `${ARN_PREFIX}image/web/1.0.0/1`;
  assert.equal(created['imageBuildVersionArn'], imageArn);
  await finishBuild(store, imageArn);

  const { image } = (await aws('get-image', '--image-build-version-arn', imageArn)) as { image: object };
  assert.partialDeepStrictEqual(image, {
    name: 'web',
    state: { status: 'AVAILABLE' },
    imageTestsConfiguration: { imageTestsEnabled: false, timeoutMinutes: 60 },
    infrastructureConfiguration: { instanceTypes: ['m5.large', 't3.micro'], terminateInstanceOnFailure: false },
    outputResources: { amis: [{ image: 'ami-0aaaaaaaaaaaaaaaa' }] },
  });

  const listed = async (operation: string, member: string, ...args: string[]): Promise<number> =>
    ((await aws(operation, ...args))[member] as unknown[]).length;
  assert.deepEqual(
    await Promise.all([
      listed('list-components', 'componentVersionList', '--owner', 'Self', '--filters', 'name=name,values=Web Server'),
      listed('list-components', 'componentVersionList', '--owner', 'Self', '--filters', 'name=platform,values=Windows'),
      listed('list-images', 'imageVersionList', '--filters', 'name=name,values=web,other', 'name=version,values=1.x.x'),
      listed('list-images', 'imageVersionList', '--owner', 'Amazon'),
      listed('list-image-build-versions', 'imageSummaryList', '--image-version-arn', `${ARN_PREFIX}image/web/1.0.0`),
      // Debian's CLI is older than the paginators of Image Builder.
      listed('list-image-recipes', 'imageRecipeSummaryList', '--owner', 'Self', '--max-results', '1'),
    ]),
    [1, 0, 1, 2, 1, 1],
  );
  await assert.rejects(
    aws('list-images', '--filters', 'name=nmae,values=web'),
    /InvalidParameterValueException.*ListImages operation.*Did you mean 'name'/s,
  );

  await aws('tag-resource', '--resource-arn', componentArn, '--tags', 'stage=production,owner=me');
  await aws('untag-resource', '--resource-arn', componentArn, '--tag-keys', 'team');
  const { tags } = await aws('list-tags-for-resource', '--resource-arn', componentArn);
  assert.deepEqual(tags, { stage: 'production', owner: 'me' });

  await assert.rejects(
    aws('delete-component', '--component-build-version-arn', componentArn),
    /ResourceDependencyException.*image-recipe\/web\/1\.0\.0/s,
  );
  await aws('delete-image', '--image-build-version-arn', imageArn);
  await aws('delete-image-recipe', '--image-recipe-arn', imageRecipeArn);
  await aws('delete-infrastructure-configuration', '--infrastructure-configuration-arn', infrastructureArn);
  await aws('delete-component', '--component-build-version-arn', componentArn);
  await assert.rejects(
    aws('get-component', '--component-build-version-arn', componentArn),
    /\(ResourceNotFoundException\) when calling the GetComponent operation/,
  );
});
