import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AwsError } from '../contract/errors.ts';
import { AT_ONCE } from '../state/parked.ts';
import { openTestStore } from '../state/test-store.ts';
import type { Quotas } from './quota-table.ts';
import { componentData, DEBIAN_ARN, testService, token } from './test-service.ts';

async function openLimited(quotas: Partial<Quotas>) {
  const store = await openTestStore();
  const { call } = testService(store, {}, quotas);
  const component = (name: string, data = componentData(name)) =>
    call.CreateComponent({ name, semanticVersion: '1.0.0', platform: 'Linux', data, ...token() });
  const infrastructure = (name: string) =>
    call.CreateInfrastructureConfiguration({ name, instanceProfileName: 'builder', ...token() });
  const recipe = (name: string, components: { componentArn: string }[] = []) =>
    call.CreateImageRecipe({ name, semanticVersion: '1.0.0', parentImage: DEBIAN_ARN, components, ...token() });
  return { store, call, component, infrastructure, recipe, [Symbol.asyncDispose]: () => store.close() };
}

const exceeds = (text: string) => (error: unknown) => {
  assert.ok(error instanceof AwsError);
  assert.equal(error.name, 'ServiceQuotaExceededException');
  assert.equal(error.httpStatus, 402);
  assert.ok(error.message.startsWith('You have exceeded the number of permitted resources or operations'));
  assert.ok(error.message.includes(text), error.message);
  return true;
};

test('definitions beyond their quota are refused, and there is room again after a delete', async () => {
  await using limited = await openLimited({ components: 2 });
  await limited.component('one');
  const { componentBuildVersionArn = '' } = await limited.component('two');
  await assert.rejects(limited.component('three'), exceeds('components (build versions) is 2 (L-9B183655'));
  await limited.call.DeleteComponent({ componentBuildVersionArn });
  await limited.component('three');
});

test('kinds are counted each for itself', async () => {
  await using limited = await openLimited({ components: 1, infrastructureConfigurations: 1, imageRecipes: 1 });
  await limited.component('one');
  await limited.infrastructure('one');
  await limited.recipe('one');
  await assert.rejects(limited.infrastructure('two'), exceeds("'infrastructureConfigurations'"));
  await assert.rejects(limited.recipe('two'), exceeds("'imageRecipes'"));
});

test('many requests at once do not get past a quota', async () => {
  await using limited = await openLimited({ infrastructureConfigurations: 5 });
  const results = await Promise.allSettled(
    Array.from({ length: 30 }, (_, number) => limited.infrastructure(`small-${number}`)),
  );
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 5);
  for (const result of results) if (result.status === 'rejected') exceeds('is 5')(result.reason);
  const { infrastructureConfigurationSummaryList } = await limited.call.ListInfrastructureConfigurations({});
  assert.equal(infrastructureConfigurationSummaryList?.length, 5);
});

test('builds beyond the quota are refused while so many go on', async () => {
  await using limited = await openLimited({ concurrentBuilds: 2 });
  const { infrastructureConfigurationArn = '' } = await limited.infrastructure('small');
  const { imageRecipeArn = '' } = await limited.recipe('web');
  const build = () => limited.call.CreateImage({ imageRecipeArn, infrastructureConfigurationArn, ...token() });
  const { imageBuildVersionArn = '' } = await build();
  await build();
  await assert.rejects(build(), exceeds('L-BA4D191B'));
  await limited.call.CancelImageCreation({ imageBuildVersionArn, ...token() });
  await limited.store.db
    .updateTable('images')
    .set({ status: 'CANCELLED' })
    .where('arn', '=', imageBuildVersionArn)
    .execute();
  await build();
});

test('builds that wait for somebody’s decision leave room for others', async () => {
  await using limited = await openLimited({ concurrentBuilds: 1 });
  const { infrastructureConfigurationArn = '' } = await limited.infrastructure('small');
  const { imageRecipeArn = '' } = await limited.recipe('web');
  const build = () => limited.call.CreateImage({ imageRecipeArn, infrastructureConfigurationArn, ...token() });
  const until = (arn: string, parked: Date) =>
    limited.store.db
      .updateTable('images')
      .set({ status: 'BUILDING', parked_until: parked })
      .where('arn', '=', arn)
      .execute();
  const { imageBuildVersionArn: first = '' } = await build();
  await assert.rejects(build(), exceeds('L-BA4D191B'));
  await until(first, new Date(Date.now() + 60_000));
  const { imageBuildVersionArn: second = '' } = await build();
  await until(second, new Date(Date.now() + 60_000));
  // It was answered, and waits for a worker.
  await until(first, AT_ONCE);
  await assert.rejects(build(), exceeds('L-BA4D191B'));
});

test('documents and recipes have quotas of their own', async () => {
  await using limited = await openLimited({ parametersPerComponent: 1, componentsPerImageRecipe: 1 });
  const parameters = ['parameters:', '  - One:', '      type: string', '  - Two:', '      type: string'].join('\n');
  const two = componentData('{{ One }} {{ Two }}', 'build', parameters);
  await assert.rejects(limited.component('c', two), exceeds('parameters of a component is 1'));
  const arns = await Promise.all(['a', 'b'].map((name) => limited.component(name)));
  const components = arns.map(({ componentBuildVersionArn = '' }) => ({ componentArn: componentBuildVersionArn }));
  await assert.rejects(limited.recipe('web', components), exceeds('components of an image recipe is 1'));

  await using short = await openLimited({ componentParameterLength: 5 });
  const long = ['parameters:', '  - One:', '      type: string', '      default: abcdef'].join('\n');
  await assert.rejects(
    short.component('c', componentData('{{ One }}', 'build', long)),
    exceeds('characters of a component parameter is 5'),
  );
});
