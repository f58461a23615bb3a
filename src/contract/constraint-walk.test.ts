import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeInput, type RequestParts } from './decode.ts';
import { AwsError } from './errors.ts';
import { readModel } from './model.ts';
import type { OperationModel, Shape } from './model.types.ts';
import { casesOf } from './request-cases.fixture.ts';

const model = readModel();

/** Where the members of an input travel, as a client would send them. */
function partsOf(operation: OperationModel, input: object): RequestParts {
  const labels: Record<string, string> = {};
  const query = new URLSearchParams();
  const body: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(input)) {
    const location = operation.input.members.get(name)?.location;
    if (location === 'path') labels[name] = String(value);
    else if (location === 'query') for (const one of [value].flat()) query.append(name, String(one));
    else body[name] = value;
  }
  return { labels, query, body: operation.method === 'GET' ? undefined : body };
}

function refusalOf(operation: OperationModel, input: object): AwsError | undefined {
  try {
    decodeInput(operation, partsOf(operation, input));
    return undefined;
  } catch (error) {
    assert.ok(error instanceof AwsError, String(error));
    return error;
  }
}

const ALLOWED = ['InvalidParameterValueException', 'InvalidParameterException', 'InvalidRequestException'];

describe('the constraints of every member of every request', () => {
  let inside = 0;
  let outside = 0;
  const counts = new Map<string, number>();
  for (const operation of model) {
    it(`hold in ${operation.name}: what is just inside is accepted, what is just outside is refused by its path`, () => {
      for (const one of casesOf(operation.input)) {
        const what = `${operation.name}: ${one.path}: ${one.rule}`;
        if (one.inside !== undefined) {
          assert.equal(refusalOf(operation, one.inside as object)?.message, undefined, what);
          inside += 1;
        }
        if (one.outside === undefined) continue;
        const refusal = refusalOf(operation, one.outside as object);
        assert.ok(refusal !== undefined, `${what} was accepted`);
        assert.ok(ALLOWED.includes(refusal.name), `${what}: ${refusal.name}`);
        for (const line of refusal.message.split('\n')) {
          assert.ok(
            line.startsWith(`The value supplied for parameter '${one.path}' is not valid. `),
            `${what}: ${line}`,
          );
        }
        outside += 1;
        counts.set(operation.name, (counts.get(operation.name) ?? 0) + 1);
      }
    });
  }

  it('are all of them: each operation was walked, in more than two thousand requests', () => {
    assert.equal(
      counts.size,
      77,
      `without a violated constraint: ${model.map(({ name }) => name).filter((name) => !counts.has(name))}`,
    );
    assert.ok(inside > 1_000 && outside > 1_000, `${inside} inside, ${outside} outside`);
  });

  it('leave out only what the service model leaves free', () => {
    const free = new Set<string>();
    for (const { name, input } of model) {
      const violated = new Set([...casesOf(input)].filter((one) => one.outside !== undefined).map(({ path }) => path));
      for (const path of pathsOf(input, '')) if (!violated.has(path)) free.add(`${name}.${path}`);
    }
    const forCreateAndUpdate = (name: string, ...paths: string[]) =>
      paths.flatMap((path) => [`Create${name}.${path}`, `Update${name}.${path}`]);
    const ami = 'distributions[0].amiDistributionConfiguration';
    assert.deepEqual(
      [...free].sort(),
      [
        // Texts without any constraint.
        'CreateComponent.uri',
        'CreateContainerRecipe.dockerfileTemplateUri',
        'CreateWorkflow.uri',
        'ImportComponent.uri',
        // Lists of any length; their elements are constrained, but for names of instance types.
        ...forCreateAndUpdate('InfrastructureConfiguration', 'instanceTypes', 'instanceTypes[0]', 'securityGroupIds'),
        'CreateContainerRecipe.instanceConfiguration.blockDeviceMappings',
        'CreateImageRecipe.blockDeviceMappings',
        'CreateImage.imageScanningConfiguration.ecrConfiguration.containerTags',
        'CreateImage.workflows',
        ...forCreateAndUpdate(
          'ImagePipeline',
          'imageScanningConfiguration.ecrConfiguration.containerTags',
          'workflows',
        ),
        ...forCreateAndUpdate(
          'DistributionConfiguration',
          `${ami}.launchPermission.userGroups`,
          'distributions[0].containerDistributionConfiguration.containerTags',
          'distributions[0].ssmParameterConfigurations',
        ),
        ...forCreateAndUpdate('LifecyclePolicy', 'policyDetails[0].exclusionRules.amis.regions'),
        'StartResourceStateUpdate.exclusionRules.amis.regions',
      ].sort(),
    );
  });
});

/** Paths of all strings, numbers, lists and maps; booleans and times have no constraint but their type. */
function pathsOf(shape: Shape, path: string): string[] {
  switch (shape.kind) {
    case 'string':
    case 'number':
      return [path];
    case 'boolean':
    case 'timestamp':
      return [];
    case 'list':
      return [path, ...pathsOf(shape.element, `${path}[0]`)];
    case 'map':
      return [path, ...pathsOf(shape.value, `${path}.k0`)];
    case 'structure':
      return [...shape.members.values()].flatMap((member) =>
        pathsOf(member.shape, path === '' ? member.name : `${path}.${member.name}`),
      );
  }
}
