import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeInput, type RequestParts } from './decode.ts';
import { AwsError } from './errors.ts';
import { readModel } from './model.ts';
import type { OperationName } from './operations.ts';

const model = new Map(readModel().map((operation) => [operation.name, operation]));

function decode(name: OperationName, body: unknown, parts: Partial<RequestParts> = {}): Record<string, unknown> {
  const operation = model.get(name);
  assert.ok(operation !== undefined, name);
  return decodeInput(operation, { labels: {}, query: new URLSearchParams(), body, ...parts });
}

function refusal(act: () => unknown): AwsError {
  try {
    act();
  } catch (error) {
    if (error instanceof AwsError) return error;
    throw error;
  }
  return assert.fail('nothing was refused');
}

const COMPONENT = { name: 'my-app', semanticVersion: '1.0.0', platform: 'Linux', clientToken: 't', data: 'x' };
const RECIPE = { name: 'my-app', semanticVersion: '1.0.0', parentImage: 'ami-1', clientToken: 't' };
const INFRASTRUCTURE = { name: 'my-app', instanceProfileName: 'p', clientToken: 't' };
const PIPELINE_ARN = 'arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/p';
const WORKFLOW_ARN = 'arn:aws:imagebuilder:us-east-1:123456789012:workflow/build/w/1.x.x';
const entries = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']));
const ebs = (specification: object) => ({ ...RECIPE, blockDeviceMappings: [{ ebs: specification }] });

/** For each constraint: where it holds, values that are just inside and values that are just outside. */
const EDGES: [what: string, OperationName, make: (value: never) => unknown, inside: unknown[], outside: unknown[]][] = [
  [
    'name',
    'CreateComponent',
    (name) => ({ ...COMPONENT, name }),
    ['abc', 'a b', `a${'b'.repeat(127)}`, '-_-'],
    ['ab', `a${'b'.repeat(128)}`, ' ab', 'ab ', 'a/b', 'äbc', ''],
  ],
  [
    'semanticVersion',
    'CreateComponent',
    (semanticVersion) => ({ ...COMPONENT, semanticVersion }),
    ['0.0.0', '2021.01.01'],
    ['1.0', '1.0.x', '1.0.0/1', 'v1.0.0', '1.0.0\n'],
  ],
  [
    'semanticVersion with a wildcard',
    'CreateImageRecipe',
    (semanticVersion) => ({ ...RECIPE, semanticVersion }),
    ['1.0.x', '1.0.0'],
    ['1.0.*', 'x.x'],
  ],
  [
    'platform',
    'CreateComponent',
    (platform) => ({ ...COMPONENT, platform }),
    ['Linux', 'Windows', 'macOS'],
    ['linux', 'BeOS', ''],
  ],
  [
    'data',
    'CreateComponent',
    (data) => ({ ...COMPONENT, data }),
    ['x', 'x'.repeat(16_000), '💡'.repeat(16_000), 'a\nb'],
    ['', 'x'.repeat(16_001), 'a\0b', '\ud800'],
  ],
  [
    'data of an import',
    'ImportComponent',
    (data) => ({ ...COMPONENT, type: 'BUILD', format: 'SHELL', data }),
    ['x'.repeat(1_024)],
    ['x'.repeat(1_025)],
  ],
  [
    'description',
    'CreateComponent',
    (description) => ({ ...COMPONENT, description }),
    ['d', 'd'.repeat(1_024)],
    ['', 'd'.repeat(1_025)],
  ],
  [
    'clientToken',
    'CreateComponent',
    (clientToken) => ({ ...COMPONENT, clientToken }),
    ['t'.repeat(64)],
    ['', 't'.repeat(65)],
  ],
  ['tags', 'CreateComponent', (tags) => ({ ...COMPONENT, tags }), [entries(1), entries(50)], [{}, entries(51)]],
  [
    'tag keys',
    'CreateComponent',
    (key) => ({ ...COMPONENT, tags: { [key]: '' } }),
    ['a b_.:/=+-@', 'k'.repeat(128), 'xaws:', '__proto__'],
    ['aws:x', 'k'.repeat(129), 'k!', ''],
  ],
  [
    'tag values',
    'CreateComponent',
    (value) => ({ ...COMPONENT, tags: { key: value } }),
    ['', 'v'.repeat(256)],
    ['v'.repeat(257), null, 1],
  ],
  [
    'supportedOsVersions',
    'CreateComponent',
    (versions) => ({ ...COMPONENT, supportedOsVersions: versions }),
    [['Ubuntu'], Array(25).fill('Debian')],
    [[], Array(26).fill('Debian'), [''], [null]],
  ],
  [
    'resourceTags',
    'CreateInfrastructureConfiguration',
    (resourceTags) => ({ ...INFRASTRUCTURE, resourceTags }),
    [entries(30)],
    [entries(31)],
  ],
  [
    'instanceProfileName',
    'CreateInfrastructureConfiguration',
    (instanceProfileName) => ({ ...INFRASTRUCTURE, instanceProfileName }),
    ['a+=,.@-', 'p'.repeat(256)],
    ['p'.repeat(257), 'a/b', ''],
  ],
  [
    'snsTopicArn',
    'CreateInfrastructureConfiguration',
    (snsTopicArn) => ({ ...INFRASTRUCTURE, snsTopicArn }),
    ['arn:aws:sns:eu-west-1:123456789012:topic'],
    ['arn:aws:sqs:eu-west-1:123456789012:topic', 'topic'],
  ],
  [
    'httpTokens',
    'CreateInfrastructureConfiguration',
    (httpTokens) => ({ ...INFRASTRUCTURE, instanceMetadataOptions: { httpTokens } }),
    ['optional', 'required'],
    ['optional!', 'not required', 'Optional'],
  ],
  ['volumeSize', 'CreateImageRecipe', (volumeSize) => ebs({ volumeSize }), [1, 16_000], [0, 16_001, 1.5, '8', -1]],
  ['iops', 'CreateImageRecipe', (iops) => ebs({ iops }), [100, 64_000], [99, 64_001]],
  ['throughput', 'CreateImageRecipe', (throughput) => ebs({ throughput }), [125, 1_000], [124, 1_001]],
  ['volumeType', 'CreateImageRecipe', (volumeType) => ebs({ volumeType }), ['gp3', 'standard'], ['gp4']],
  [
    'noDevice',
    'CreateImageRecipe',
    (noDevice) => ({ ...RECIPE, blockDeviceMappings: [{ noDevice }] }),
    [''],
    ['true', true],
  ],
  [
    'userDataOverride',
    'CreateImageRecipe',
    (userDataOverride) => ({ ...RECIPE, additionalInstanceConfiguration: { userDataOverride } }),
    ['YQ==', 'YWI=', 'YWJj', 'A'.repeat(21_844)],
    ['', 'YQ', 'Y!==', 'A'.repeat(21_848)],
  ],
  [
    'amiWatermarks',
    'CreateImageRecipe',
    (amiWatermarks) => ({ ...RECIPE, amiWatermarks }),
    [['abc'], Array(5).fill('abc')],
    [[], Array(6).fill('abc'), ['ab']],
  ],
  [
    'componentArn',
    'CreateImageRecipe',
    (componentArn) => ({ ...RECIPE, components: [{ componentArn }] }),
    [
      'arn:aws:imagebuilder:us-east-1:123456789012:component/c/1.0.0/1',
      'arn:aws:imagebuilder:us-east-1:aws:component/c/x.x.x',
      'arn:aws:imagebuilder:us-east-1:third-party:component/c/1.0.0',
    ],
    [
      'arn:aws:imagebuilder:us-east-1:123456789012:component/C/1.0.0/1',
      'arn:aws:imagebuilder:us-east-1:123456789012:component/c/1.0.x/1',
      'arn:aws:imagebuilder:us-east-1:12345678901:component/c/1.0.0/1',
      'component/c/1.0.0',
    ],
  ],
  ['maxResults', 'ListImages', (maxResults) => ({ maxResults }), [1, 25], [0, 26, 2.5]],
  ['nextToken', 'ListImages', (nextToken) => ({ nextToken }), ['t', 't'.repeat(65_535)], ['', 't'.repeat(65_536)]],
  [
    'filters',
    'ListImages',
    (filters) => ({ filters }),
    [[{ name: 'name', values: ['a'] }], Array(10).fill({ name: 'name', values: Array(10).fill('a') })],
    [[], Array(11).fill({ name: 'name' }), [{ name: 'na-me' }], [{ values: Array(11).fill('a') }], [{ values: ['ä'] }]],
  ],
  [
    'timeoutMinutes',
    'CreateImage',
    (timeoutMinutes) => ({
      infrastructureConfigurationArn: 'arn:aws:imagebuilder:us-east-1:123456789012:infrastructure-configuration/i',
      imageTestsConfiguration: { timeoutMinutes },
      clientToken: 't',
    }),
    [60, 1_440],
    [59, 1_441],
  ],
  [
    'workflowVersionArn, whose Region must look like one of AWS',
    'ListWorkflowBuildVersions',
    (workflowVersionArn) => ({ workflowVersionArn }),
    [WORKFLOW_ARN],
    [WORKFLOW_ARN.replace('us-east-1', 'local'), WORKFLOW_ARN.replace('build', 'other')],
  ],
  [
    'imagePipelineArn',
    'StartImagePipelineExecution',
    (imagePipelineArn) => ({ imagePipelineArn, clientToken: 't' }),
    [PIPELINE_ARN, PIPELINE_ARN.replace('us-east-1', 'local'), PIPELINE_ARN.replace('aws:', 'aws-cn:')],
    [`${PIPELINE_ARN}/1.0.0`, PIPELINE_ARN.replace('/p', '/P'), `x${PIPELINE_ARN}`],
  ],
];

describe('decoding a request', () => {
  for (const [what, name, make, inside, outside] of EDGES) {
    it(`takes ${what} just inside its constraint and refuses it just outside`, () => {
      for (const value of inside) assert.doesNotThrow(() => decode(name, make(value as never)), JSON.stringify(value));
      for (const value of outside) {
        assert.throws(() => decode(name, make(value as never)), AwsError, JSON.stringify(value)?.slice(0, 200));
      }
    });
  }

  it('words a refusal as AWS words it', () => {
    const error = refusal(() => decode('CreateComponent', { ...COMPONENT, semanticVersion: '1.0.x' }));
    assert.equal(error.name, 'InvalidParameterValueException');
    assert.equal(error.httpStatus, 400);
    assert.equal(
      error.message,
      "The value supplied for parameter 'semanticVersion' is not valid. semanticVersion must match pattern ^[0-9]+\\.[0-9]+\\.[0-9]+$",
    );
  });

  it('tells all problems of a request at once, with the path of each', () => {
    const { message } = refusal(() =>
      decode('CreateImageRecipe', {
        name: 'x',
        components: [{ componentArn: 'nope', parameters: [{ name: 'p' }] }, {}],
        blockDeviceMappings: [{ ebs: { volumeSize: 0 } }],
        tags: { 'aws:x': 'v' },
      }),
    );
    const paths = [...message.matchAll(/parameter '([^']+)'/g)].map(([, path]) => path);
    assert.deepEqual(paths.sort(), [
      'blockDeviceMappings[0].ebs.volumeSize',
      'clientToken',
      'components[0].componentArn',
      'components[0].parameters[0].value',
      'components[1].componentArn',
      'name',
      'parentImage',
      'semanticVersion',
      'tags',
    ]);
    assert.match(message, /'parentImage' is not valid\. parentImage is required\./);
  });

  it('refuses members that nobody knows, with a suggestion, wherever they are', () => {
    const error = refusal(() =>
      decode('CreateImageRecipe', { ...RECIPE, descripton: 'd', blockDeviceMappings: [{ ebs: { volumesize: 8 } }] }),
    );
    assert.equal(error.name, 'InvalidRequestException');
    assert.match(error.message, /'descripton' is not valid\. .*Did you mean 'description'\?/);
    assert.match(error.message, /'blockDeviceMappings\[0\]\.ebs\.volumesize' is not valid\. .*'volumeSize'\?/);
  });

  it('keeps members that are newer than the SDK package', () => {
    assert.equal(decode('CreateImageRecipe', { ...RECIPE, dryRun: true })['dryRun'], true);
  });

  it('refuses wrong JSON types by name', () => {
    const cases: [OperationName, unknown, RegExp][] = [
      ['CreateComponent', { ...COMPONENT, name: 1 }, /name must be a string/],
      ['CreateComponent', { ...COMPONENT, tags: ['a'] }, /tags must be a map/],
      ['CreateComponent', { ...COMPONENT, supportedOsVersions: 'Debian' }, /supportedOsVersions must be a list/],
      ['CreateInfrastructureConfiguration', { ...INFRASTRUCTURE, terminateInstanceOnFailure: 'true' }, /true or false/],
      ['CreateInfrastructureConfiguration', { ...INFRASTRUCTURE, logging: [] }, /logging must be a structure/],
      ['ListImages', { maxResults: '5' }, /maxResults must be a number/],
      ['ListImages', [], /must be a JSON object/],
      ['ListImages', 'x', /must be a JSON object/],
      ['ListImages', null, /must be a JSON object/],
    ];
    for (const [name, body, message] of cases) {
      const error = refusal(() => decode(name, body));
      assert.equal(error.name, 'InvalidRequestException');
      assert.match(error.message, message);
    }
  });

  it('takes null for absent, as AWS does', () => {
    assert.deepEqual(decode('ListImages', { owner: null, maxResults: 3 }), { maxResults: 3 });
  });

  it('turns epoch seconds into a Date', () => {
    const input = decode('StartResourceStateUpdate', {
      resourceArn: 'arn:aws:imagebuilder:us-east-1:123456789012:image/i/1.0.0/1',
      state: { status: 'DEPRECATED' },
      updateAt: 1_700_000_000.25,
      clientToken: 't',
    });
    assert.deepEqual(input['updateAt'], new Date('2023-11-14T22:13:20.250Z'));
    for (const updateAt of ['2023-11-14T22:13:20Z', 1e300, {}]) {
      assert.throws(() => decode('StartResourceStateUpdate', { updateAt }), /updateAt must be a time in seconds/);
    }
  });

  it('reads path and query members, lists by repeated keys', () => {
    const resourceArn = 'arn:aws:imagebuilder:us-east-1:123456789012:component/c/1.0.0/1';
    const query = new URLSearchParams('tagKeys=a&tagKeys=b%20c');
    assert.deepEqual(decode('UntagResource', undefined, { labels: { resourceArn }, query }), {
      resourceArn,
      tagKeys: ['a', 'b c'],
    });
  });

  it('refuses members in the wrong place and scalars that are given twice', () => {
    const arn = 'arn:aws:imagebuilder:us-east-1:123456789012:image/i/1.0.0/1';
    const inBody = refusal(() => decode('GetImage', { imageBuildVersionArn: arn }));
    assert.match(inBody.message, /belongs in the request's query, not in its body/);
    const inQuery = refusal(() => decode('ListImages', undefined, { query: new URLSearchParams('maxResults=5') }));
    assert.match(inQuery.message, /belongs in the request's body, not in its query/);
    const query = new URLSearchParams([
      ['imageBuildVersionArn', arn],
      ['imageBuildVersionArn', arn],
    ]);
    assert.match(refusal(() => decode('GetImage', undefined, { query })).message, /given 2 times/);
  });

  it('answers tag operations with the error that they model', () => {
    const error = refusal(() => decode('TagResource', { tags: { a: 'b' } }, { labels: { resourceArn: 'x' } }));
    assert.equal(error.name, 'InvalidParameterException');
  });

  it('keeps its answer short however much is wrong', () => {
    const body = Object.fromEntries(Array.from({ length: 30_000 }, (_, index) => [`unknown${index}`, 1]));
    const { message } = refusal(() => decode('ListImages', body));
    assert.ok(message.length < 10_000);
    assert.match(message, /There are 29980 more problems\.$/);
  });

  it('either accepts or refuses whatever JSON it is given, and never fails in another way', () => {
    const names = [...model.values()].flatMap(({ input }) => [...input.members.keys()]);
    const structure = fc.dictionary(fc.constantFrom(...names, 'name', 'ebs', '__proto__'), fc.jsonValue());
    const body = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom(...names), fc.oneof(structure, fc.jsonValue())),
    );
    fc.assert(
      fc.property(fc.constantFrom(...model.keys()), body, (name, value) => {
        try {
          decode(name, JSON.parse(JSON.stringify(value)));
        } catch (error) {
          assert.ok(error instanceof AwsError, String(error));
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
