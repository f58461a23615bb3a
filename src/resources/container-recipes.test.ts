import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openTestStore } from '../state/test-store.ts';
import { ARN_PREFIX, componentData, testService, token } from './test-service.ts';

const TEMPLATE = 'FROM {{{ imagebuilder:parentImage }}}\n';
const BOX = {
  name: 'box',
  semanticVersion: '1.0.0',
  containerType: 'DOCKER' as const,
  parentImage: 'registry.example:5000/team/base:12',
  dockerfileTemplateData: TEMPLATE,
  targetRepository: { service: 'ECR' as const, repositoryName: 'box' },
};

describe('container recipes', () => {
  it('are kept, counted on by an x also when made at once, and refused where they would be built', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const made = await Promise.all(
      Array.from({ length: 10 }, () => call.CreateContainerRecipe({ ...BOX, semanticVersion: '1.x.0', ...token() })),
    );
    const arns = made.map(({ containerRecipeArn }) => containerRecipeArn ?? '');
    assert.equal(new Set(arns).size, 10);
    assert.ok(arns.includes(`${ARN_PREFIX}container-recipe/box/1.9.0`));
    await call.CreateInfrastructureConfiguration({ name: 'infra', instanceProfileName: 'profile', ...token() });
    const build = call.CreateImage({
      containerRecipeArn: arns[0],
      infrastructureConfigurationArn: `${ARN_PREFIX}infrastructure-configuration/infra`,
      ...token(),
    });
    await assert.rejects(build, {
      name: 'InvalidRequestException',
      message: "Kiln does not support 'containerRecipeArn' (container recipes) yet.",
    });
  });

  it('are refused when no build could make anything of them', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const { componentBuildVersionArn = '' } = await call.CreateComponent({
      ...{ name: 'nginx', semanticVersion: '1.0.0', platform: 'Linux', data: componentData() },
      ...token(),
    });
    const components = [{ componentArn: componentBuildVersionArn }];
    const cases: [object, string, RegExp][] = [
      [{ dockerfileTemplateData: undefined }, 'InvalidParameterCombinationException', /Exactly one of/],
      [{ dockerfileTemplateData: 'FROM debian' }, 'InvalidParameterValueException', /must contain '.*parentImage/],
      [{ dockerfileTemplateData: `${TEMPLATE}{{{ imagebuilder:other }}}` }, 'InvalidParameterValueException', /other/],
      [{ components }, 'InvalidParameterValueException', /environments }}}' and '.*components/],
      [{ platformOverride: 'macOS' }, 'InvalidParameterCombinationException', /Linux or Windows/],
      [{ platformOverride: 'Windows', components }, 'InvalidParameterValueException', /environments/],
      [{ parentImage: 'ami-0123456789abcdef0' }, 'InvalidParameterValueException', /not from an AMI/],
      [{ parentImage: 'Not An Image' }, 'InvalidParameterValueException', /container image in a registry/],
      [{ semanticVersion: 'x.x.0' }, 'InvalidVersionNumberException', /one x/],
      [{ kmsKeyId: 'key' }, 'InvalidRequestException', /'kmsKeyId'/],
    ];
    for (const [change, name, message] of cases) {
      await assert.rejects(call.CreateContainerRecipe({ ...BOX, ...change, ...token() }), { name, message });
    }
    assert.deepEqual(await call.ListContainerRecipes({}), { containerRecipeSummaryList: [] });
  });
});
