/**
 * Requests that fast-check makes from the service model, at every operation: whatever is sent, the answer is a success
 * or a typed error that the sender can do something about, never a fault of ours.
 * KILN_TEST_REQUESTS is how many (1,500 unless set), KILN_TEST_SEED repeats a run that failed.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { REGION, signedRequest } from '../../src/api/api.fixture.ts';
import { readModel } from '../../src/contract/model.ts';
import type { OperationModel, Shape, StringShape, StructureShape } from '../../src/contract/model.types.ts';
import { PATTERN_SAMPLES } from '../../src/contract/samples.fixture.ts';
import { componentData } from '../../src/resources/test-service.ts';
import { openTestStore } from '../../src/state/test-store.ts';
import {
  DOCKERFILE,
  LIFECYCLE_RULES,
  PARENT_IMAGE,
  type ServedOperations,
  serveOperations,
  WORKFLOW,
} from './served-operations.ts';

const REQUESTS = Number(process.env['KILN_TEST_REQUESTS'] ?? 1_500);
const SEED = Number(process.env['KILN_TEST_SEED'] ?? Date.now() % 2 ** 31);

/** Things that are there, so that requests get behind the checks of form; `round` tells their names apart. */
async function furnish({ sdk }: ServedOperations, round: number): Promise<string[]> {
  const component = { name: `nginx-${round}`, platform: 'Linux', data: componentData() } as const;
  const { componentBuildVersionArn = '' } = await sdk.createComponent({ ...component, semanticVersion: '1.0.0' });
  const { componentBuildVersionArn: spare = '' } = await sdk.createComponent({
    ...component,
    semanticVersion: '2.0.0',
  });
  const { imageRecipeArn = '' } = await sdk.createImageRecipe({
    ...{ name: `web-${round}`, semanticVersion: '1.0.0', parentImage: PARENT_IMAGE },
    components: [{ componentArn: componentBuildVersionArn }],
  });
  const { infrastructureConfigurationArn = '' } = await sdk.createInfrastructureConfiguration({
    ...{ name: `infra-${round}`, instanceProfileName: 'profile' },
  });
  const { distributionConfigurationArn = '' } = await sdk.createDistributionConfiguration({
    ...{
      name: `here-${round}`,
      distributions: [{ region: REGION, amiDistributionConfiguration: { description: 'web' } }],
    },
  });
  const parts = { imageRecipeArn, infrastructureConfigurationArn };
  const { imagePipelineArn = '' } = await sdk.createImagePipeline({ ...parts, name: `nightly-${round}` });
  const images = [await sdk.createImage(parts), await sdk.startImagePipelineExecution({ imagePipelineArn })];
  const { workflowBuildVersionArn = '' } = await sdk.createWorkflow({
    ...{ name: `check-${round}`, semanticVersion: '1.0.0', type: 'TEST', data: WORKFLOW },
  });
  const rules = { ...LIFECYCLE_RULES, status: 'DISABLED' } as const;
  const { lifecyclePolicyArn = '' } = await sdk.createLifecyclePolicy({ name: `old-${round}`, ...rules });
  const { containerRecipeArn = '' } = await sdk.createContainerRecipe({
    ...{ name: `box-${round}`, semanticVersion: '1.0.0', parentImage: 'debian:12', containerType: 'DOCKER' },
    ...{ dockerfileTemplateData: DOCKERFILE, components: [{ componentArn: componentBuildVersionArn }] },
    targetRepository: { service: 'ECR', repositoryName: 'box' },
  });
  const builds = [
    ...[componentBuildVersionArn, spare, workflowBuildVersionArn],
    ...images.map((image) => image.imageBuildVersionArn ?? ''),
  ];
  const versions = builds.map((arn) => arn.slice(0, arn.lastIndexOf('/')));
  return [
    ...builds,
    ...versions,
    ...versions.map((arn) => arn.replace(/[0-9]+\.[0-9]+\.[0-9]+$/, 'x.x.x')),
    ...[imageRecipeArn, infrastructureConfigurationArn, distributionConfigurationArn, imagePipelineArn],
    ...[lifecyclePolicyArn, containerRecipeArn, PARENT_IMAGE],
  ];
}

/** Texts that some member somewhere can make something of. */
const WORDS = [
  ...['web', 'nginx', 'My Name', 'x.x.x', '1.0.x', '1.0.0', '0.0.0', '1073741824.0.0', 'ami-0123456789abcdef0'],
  ...['debian:12', 'name', 'version', 'platform', 'Linux', 'status', 'description', 'imageBuildVersionArn'],
  ...[REGION, '{{ imagebuilder:buildDate }}', '/dev/xvda', 'gp3', 'key', "'; drop table resources; --", '%', '\u0000'],
  ...['schemaVersion: 1.0', componentData(), WORKFLOW, DOCKERFILE, '[]', '{"Version":"2012-10-17","Statement":[]}'],
  ...['[[[[[[[[[[[[[', '&a [*a]', '\ud800', 's3://bucket/key', '__proto__', 'constructor'],
];

function requestOf(operation: OperationModel, known: readonly string[]): fc.Arbitrary<Record<string, unknown>> {
  const texts = new Map<StringShape, fc.Arbitrary<string>>();
  const textOf = (shape: StringShape): fc.Arbitrary<string> => {
    const before = texts.get(shape);
    if (before !== undefined) return before;
    const { enumeration, pattern } = shape;
    const sample = pattern === undefined ? '-' : (PATTERN_SAMPLES[pattern.text]?.inside() ?? '-');
    // Looked up when a request is made, because what is known changes.
    const matching = (): readonly string[] => known.filter((one) => pattern?.expression.test(one) === true);
    const good = fc.nat().map((number) => {
      const texts = enumeration ?? [...matching(), sample];
      return texts[number % texts.length] ?? sample;
    });
    const text = fc.oneof(
      { weight: enumeration !== undefined || pattern !== undefined ? 20 : 0, arbitrary: good },
      { weight: 4, arbitrary: fc.constantFrom(...WORDS) },
      { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
    );
    texts.set(shape, text);
    return text;
  };
  const anyValue = (shape: Shape): fc.Arbitrary<unknown> =>
    fc.oneof({ weight: 60, arbitrary: value(shape) }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) });
  const value = (shape: Shape): fc.Arbitrary<unknown> => {
    switch (shape.kind) {
      case 'string':
        return textOf(shape);
      case 'number': {
        const [min, max] = shape.range ?? [0, 100];
        return fc.oneof(
          fc.integer({ min, max: Math.min(max, min + 1_000) }),
          fc.constantFrom(min - 1, max + 1, 1e300, 0.5),
        );
      }
      case 'boolean':
        return fc.boolean();
      case 'timestamp':
        return fc.oneof(fc.integer({ min: 0, max: 4_000_000_000 }), fc.double());
      case 'list':
        return fc.array(anyValue(shape.element), { minLength: Math.min(1, shape.items?.[0] ?? 0), maxLength: 3 });
      case 'map':
        return fc.dictionary(
          fc.oneof(fc.constantFrom('key', 'team', '__proto__'), textOf(shape.key)),
          anyValue(shape.value),
          {
            maxKeys: 3,
          },
        );
      case 'structure':
        return membersOf(shape);
    }
  };
  const membersOf = (shape: StructureShape): fc.Arbitrary<Record<string, unknown>> =>
    fc.record(
      Object.fromEntries(
        [...shape.members.values()].map((member) => {
          const given = anyValue(member.shape);
          // Most requests are to be whole, and not to ask for everything at once.
          const [weight, without] = member.required ? [60, 1] : member.name === 'nextToken' ? [1, 30] : [1, 3];
          return [member.name, fc.oneof({ weight, arbitrary: given }, { weight: without, arbitrary: NOTHING })];
        }),
      ),
    );
  return membersOf(operation.input);
}

/** Left out by JSON. */
const NOTHING: fc.Arbitrary<unknown> = fc.constant(undefined);

async function send(
  { fixture }: ServedOperations,
  operation: OperationModel,
  input: Readonly<Record<string, unknown>>,
): Promise<Response> {
  let path = operation.path;
  const query = new URLSearchParams();
  const body: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined) continue;
    const location = operation.input.members.get(name)?.location;
    if (location === 'path') path = path.replace(`{${name}}`, encodeURIComponent(String(value).toWellFormed()));
    else if (location === 'query') for (const one of [value].flat()) query.append(name, String(one));
    else body[name] = value;
  }
  const url = new URL(`http://127.0.0.1${path.replace(/\{\w+\}/, 'arn')}`);
  url.search = query.toString().replaceAll('+', '%20');
  const hasBody = operation.method !== 'GET' && operation.method !== 'DELETE';
  const request = await signedRequest(url.href, {
    method: operation.method,
    ...(hasBody ? { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {}),
  });
  return fixture.api.fetch(request);
}

describe('generated requests', () => {
  it(`are answered without a fault, ${REQUESTS} of them over all operations`, async (t) => {
    await using store = await openTestStore();
    await using served = await serveOperations(store);
    const known: string[] = [];
    let sent = 0;
    const model = readModel();
    const answers = new Map<string, number>();
    const succeeded = new Set<string>();
    const anyRequest = fc.oneof(
      ...model.map((operation) => requestOf(operation, known).map((input) => ({ operation, input }))),
    );
    await fc.assert(
      fc.asyncProperty(anyRequest, async ({ operation, input }) => {
        // Requests delete what they are meant to find.
        if (sent % 250 === 0) known.splice(0, known.length, ...(await furnish(served, sent)));
        sent += 1;
        const answer = await send(served, operation, input);
        const text = await answer.text();
        const type = answer.headers.get('x-amzn-errortype') ?? 'success';
        answers.set(type, (answers.get(type) ?? 0) + 1);
        if (answer.status === 200) succeeded.add(operation.name);
        const said = `${operation.name} ${JSON.stringify(input)}: ${answer.status} ${text}`;
        assert.ok(answer.status < 500, said);
        assert.ok(!/\bat .*\.ts:[0-9]+|node_modules|select .* from/.test(text), said);
        if (answer.status !== 200) assert.ok(typeof JSON.parse(text).message === 'string', said);
      }),
      { numRuns: REQUESTS, seed: SEED, endOnFailure: true },
    );
    const counts = [...answers].sort(([, a], [, b]) => b - a).map(([type, count]) => `${type} ${count}`);
    t.diagnostic(`seed ${SEED}; ${counts.join(', ')}; ${succeeded.size} operations succeeded at least once`);
    // Requests that all fail at the first check would prove nothing.
    assert.ok((answers.get('success') ?? 0) > REQUESTS / 20, counts.join(', '));
    assert.deepEqual(
      served.fixture.log.filter((line) => line.level === 'error'),
      [],
    );
  });
});
