import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { InvalidDocumentError } from '../util/problem.ts';
import { PendingText } from './encode-properties.ts';
import { plan, problemsOf } from './test-template.ts';

const COMPONENT = `
  C:
    Type: AWS::ImageBuilder::Component
    Properties:
      Name: tool
      Version: 1.0.0
      Platform: Linux
      Data: |
        schemaVersion: 1.0
        parameters:
          - Word:
              type: string
        phases:
          - name: build
            steps:
              - name: Say
                action: ExecuteBash
                inputs:
                  commands:
                    - echo {{ Word }}
`;

const recipe = (components: string): string => `
  R:
    Type: AWS::ImageBuilder::ImageRecipe
    Properties:
      Name: tool
      Version: 1.0.0
      ParentImage: arn:aws:imagebuilder:us-east-1:aws:image/debian-server-12-x86/x.x.x
      Components: ${components}
`;

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-template-'));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('resources come after those they need, and their attributes stay open until then', async () => {
  const components = '[{ ComponentArn: !GetAtt C.Arn, Parameters: [{ Name: Word, Value: [hi] }] }]';
  const { resources } = await plan(`Resources:${recipe(components)}${COMPONENT}`);
  assert.deepEqual(
    resources.map(({ logicalId }) => logicalId),
    ['C', 'R'],
  );
  assert.deepEqual(resources[1]?.input['components'], [
    {
      componentArn: new PendingText([{ logicalId: 'C', attribute: 'Arn' }]),
      parameters: [{ name: 'Word', value: ['hi'] }],
    },
  ]);
});

test('properties become members of the API with their types', async () => {
  const { resources } = await plan(`
Resources:
  I:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties:
      Name: infra
      InstanceProfileName: profile
      InstanceTypes: [m5.large]
      TerminateInstanceOnFailure: "false"
      InstanceMetadataOptions: { HttpTokens: required, HttpPutResponseHopLimit: "2" }
      Tags: { team: web, 1: 2 }
  D:
    Type: AWS::ImageBuilder::DistributionConfiguration
    Properties:
      Name: dist
      Distributions:
        - Region: us-east-1
          AmiDistributionConfiguration:
            Name: "x {{ imagebuilder:buildDate }}"
            AmiTags: { Role: web }
`);
  assert.deepEqual(resources[0]?.input, {
    name: 'infra',
    instanceProfileName: 'profile',
    instanceTypes: ['m5.large'],
    terminateInstanceOnFailure: false,
    instanceMetadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 2 },
    tags: { team: 'web', 1: '2' },
  });
  assert.deepEqual(resources[1]?.input['distributions'], [
    {
      region: 'us-east-1',
      amiDistributionConfiguration: { name: 'x {{ imagebuilder:buildDate }}', amiTags: { Role: 'web' } },
    },
  ]);
});

test('JSON is a template too', async () => {
  const template = {
    Resources: {
      I: {
        Type: 'AWS::ImageBuilder::InfrastructureConfiguration',
        Properties: { Name: 'infra', InstanceProfileName: { 'Fn::Sub': '${AWS::Region}-profile' } },
      },
    },
  };
  for (const indent of [undefined, 2, '\t']) {
    const { resources } = await plan(JSON.stringify(template, undefined, indent));
    assert.equal(resources[0]?.input['instanceProfileName'], 'us-east-1-profile');
  }
});

const infra = (properties: string): string => `Resources:
  I:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties: ${properties}
`;

const MISTAKES: readonly (readonly [what: string, template: string, problem: RegExp])[] = [
  ['YAML that does not parse', 'Resources: [', /^\d+:\d+ /],
  ['an unknown section', 'Resorces: {}', /1:1 .*no key 'Resorces'.*did you mean 'Resources'/],
  ['a section that is not there yet', 'Transform: x\nResources: {}', /1:1 .*does not support the section Transform/],
  ['an unknown property', infra('{ Nam: x, InstanceProfileName: p }'), /4:19 .*'Nam'.*did you mean 'Name'/],
  ['a property in the spelling of the API', infra('{ name: x, InstanceProfileName: p }'), /did you mean 'Name'/],
  ['a missing property', infra('{ Name: infra }'), /4:17 .*needs the property 'InstanceProfileName'/],
  [
    'a wrong type',
    infra('{ Name: infra, InstanceProfileName: p, InstanceTypes: m5 }'),
    /4:71 InstanceTypes must be a list/,
  ],
  ['a property without a value', infra('{ Name: , InstanceProfileName: p }'), /Name has no value/],
  ['a name against the pattern', infra('{ Name: "in/fra", InstanceProfileName: p }'), /4:25 .*name must match pattern/],
  [
    'a member that Kiln does not have yet',
    infra('{ Name: infra, InstanceProfileName: p, KeyPair: k }'),
    /does not support 'keyPair'/,
  ],
  [
    'an unknown type',
    'Resources:\n  I: { Type: AWS::ImageBuilder::Imag }',
    /2:14 .*did you mean 'AWS::ImageBuilder::Image'/,
  ],
  [
    'a type of another service',
    'Resources:\n  I: { Type: AWS::SNS::Topic }',
    /2:14 .*'AWS::SNS::Topic'.*topics are made with `kiln topic`/,
  ],
  ['any other type', 'Resources:\n  I: { Type: AWS::DAX::Cluster }', /2:14 .*'AWS::DAX::Cluster'.*AWS::IAM::Role/],
  ['an unknown key of a resource', 'Resources:\n  I: { Typ: x }', /'Typ'.*did you mean 'Type'/],
  [
    'a condition that is not there',
    `${infra('{ Name: infra, InstanceProfileName: p }')}    Condition: X\n`,
    /5:16 There is no condition 'X'/,
  ],
  [
    'a DeletionPolicy for what has snapshots',
    `${infra('{ Name: infra, InstanceProfileName: p }')}    DeletionPolicy: Snapshot\n`,
    /DeletionPolicy cannot be 'Snapshot'/,
  ],
  [
    'an UpdatePolicy',
    `${infra('{ Name: infra, InstanceProfileName: p }')}    UpdatePolicy: {}\n`,
    /attribute UpdatePolicy/,
  ],
  [
    'conditions in a circle',
    'Conditions:\n  A: !Not [!Condition B]\n  B: !Not [!Condition A]\nResources: {}',
    /Conditions depend on each other: A -> B -> A/,
  ],
  [
    'a condition that asks a resource',
    `Conditions:\n  A: !Equals [!Ref I, x]\n${infra('{ Name: infra, InstanceProfileName: p }')}`,
    /no parameter or resource 'I'/,
  ],
  ['a condition that is none', 'Conditions:\n  A: yes\nResources: {}', /2:6 A condition is one of the functions/],
  ['an output with an export', 'Resources: {}\nOutputs: { O: { Value: x, Export: { Name: y } } }', /key Export/],

  ['an unknown DependsOn', `${infra('{ Name: infra, InstanceProfileName: p }')}    DependsOn: J\n`, /no resource 'J'/],
  [
    'a component without data',
    `Resources:${COMPONENT.replace(/ {6}Data[\s\S]*/, '')}`,
    /exactly one of Data, Uri, not none/,
  ],
  [
    'an unknown parameter of a component',
    `Resources:${COMPONENT}${recipe('[{ ComponentArn: !Ref C, Parameters: [{ Name: Wrd, Value: [x] }] }]')}`,
    /no parameter 'Wrd'.*did you mean 'Word'/,
  ],
  [
    'a missing parameter of a component',
    `Resources:${COMPONENT}${recipe('[{ ComponentArn: !Ref C }]')}`,
    /needs a value for its parameter 'Word'/,
  ],
  [
    'two resources of one name',
    `Resources:${COMPONENT}${COMPONENT.replace('C:', 'C2:')}`,
    /'C2' has the same name and version as 'C'/,
  ],
];

for (const [what, template, problem] of MISTAKES) {
  test(`${what} is refused with its place`, async () => {
    const problems = await problemsOf(template);
    assert.ok(
      problems.some((line) => problem.test(line)),
      problems.join('\n') || 'no problem was found',
    );
  });
}

const CONDITIONAL = `
Parameters:
  Stage: { Type: String, Default: dev }
Conditions:
  IsProduction: !Equals [!Ref Stage, production]
Resources:
  Shared:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties: { Name: shared, InstanceProfileName: !If [IsProduction, !GetAtt Extra.Name, none] }
    DependsOn: Extra
  Extra:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Condition: IsProduction
    Properties: { Name: extra, InstanceProfileName: p }
Outputs:
  Name: { Condition: IsProduction, Value: !GetAtt Extra.Name }
`;

test('a resource whose condition does not hold is not there, and nobody may need it', async () => {
  const names = async (options = {}): Promise<readonly string[]> =>
    (await plan(CONDITIONAL, options)).resources.map(({ logicalId }) => logicalId);
  assert.deepEqual(await names(), ['Shared']);
  assert.deepEqual((await plan(CONDITIONAL)).outputs, []);
  const production = { parameters: { Stage: 'production' } };
  assert.deepEqual(await names(production), ['Extra', 'Shared']);
  assert.equal((await plan(CONDITIONAL, production)).outputs.length, 1);
  const always = CONDITIONAL.replace('!If [IsProduction, !GetAtt Extra.Name, none]', '!GetAtt Extra.Name');
  const [problem] = await problemsOf(always);
  assert.match(problem ?? '', /condition of the resource 'Extra' does not hold/);
});

const RULES = `
Parameters:
  Stage: { Type: String, Default: dev }
  Version: { Type: AWS::SSM::Parameter::Value<String>, Default: /app/colour }
Rules:
  Named:
    RuleCondition: !Equals [!Ref Stage, production]
    Assertions:
      - Assert: !Not [!Contains [[red, "red,green"], !Ref Version]]
        AssertDescription: not in this colour
  Known:
    Assertions:
      - Assert: !EachMemberIn [[!Ref Stage], [dev, production]]
      - Assert: !EachMemberEquals [[x, x], x]
Resources: {}
`;

test('rules hold or say why not', async () => {
  assert.deepEqual(await problemsOf(RULES), []);
  assert.deepEqual(await problemsOf(RULES, { parameters: { Stage: 'production' } }), [
    "9:22 The rule 'Named' does not hold. (not in this colour)",
  ]);
  assert.deepEqual(await problemsOf(RULES, { parameters: { Stage: 'other' } }), [
    "13:31 The rule 'Known' does not hold.",
  ]);
});

test('a parameter that is not in Parameter Store is refused with where to put it', async () => {
  const [problem] = await problemsOf(RULES, { parameters: { Version: '/none' } });
  assert.match(problem ?? '', /names '\/none', which is not in Parameter Store.*parameters\.json/);
});

test('roles and instance profiles are names, made up when the template gives none', async () => {
  const { resources, names, outputs } = await plan(`
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: { AssumeRolePolicyDocument: { Statement: [{ Condition: { StringEquals: { a: b } } }] }, Path: /team/ }
  Named:
    Type: AWS::IAM::Role
    Properties: { RoleName: !Sub "\${AWS::StackName}-builder" }
  Profile:
    Type: AWS::IAM::InstanceProfile
    Properties: { Roles: [!Ref Role] }
  Infra:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties: { Name: infra, InstanceProfileName: !Ref Profile }
    DependsOn: [Role]
  Log:
    Type: AWS::Logs::LogGroup
    Properties: { LogGroupName: /web/images }
Outputs:
  Log: { Value: !GetAtt Log.Arn }
  Role: { Value: !GetAtt Role.Arn }
  Named: { Value: !GetAtt Named.Arn }
`);
  const [role, named, profile] = names;
  assert.match(role?.name ?? '', /^web-Role-[0-9A-F]{12}$/);
  assert.equal(named?.name, 'web-builder');
  assert.equal(resources[0]?.input['instanceProfileName'], profile?.name);
  assert.deepEqual(
    outputs.map(({ value }) => value.parts),
    [
      ['arn:aws:logs:us-east-1:123456789012:log-group:/web/images:*'],
      [`arn:aws:iam::123456789012:role/team/${role?.name}`],
      ['arn:aws:iam::123456789012:role/web-builder'],
    ],
  );
});

test('a file of a CDK app takes the place of what it would be in S3', async () => {
  const file = join(folder, 'Web.template.json');
  await writeFile(join(folder, 'asset.1.yaml'), 'schemaVersion: 1.0\nphases:\n  - name: build\n    steps: []\n');
  const destinations = { current: { bucketName: 'cdk-assets-${AWS::AccountId}-${AWS::Region}', objectKey: '1.yaml' } };
  const manifest = { files: { one: { source: { path: 'asset.1.yaml', packaging: 'file' }, destinations } } };
  await writeFile(join(folder, 'Web.assets.json'), JSON.stringify(manifest));
  const template = `Resources:
  C:
    Type: AWS::ImageBuilder::Component
    Properties: { Name: tool, Version: 1.0.0, Platform: Linux, Uri: "s3://cdk-assets-123456789012-us-east-1/1.yaml" }
`;
  const [problem, ...more] = await problemsOf(template, {}, file);
  assert.deepEqual(more, []);
  // That it was read shows in what is wrong with it.
  assert.match(problem ?? '', /steps/);
});

test('a cycle is told with its resources', async () => {
  const problems = await problemsOf(`Resources:
  A:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties: { Name: aaa, InstanceProfileName: !GetAtt B.Name }
  B:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties: { Name: bbb, InstanceProfileName: !GetAtt A.Name }
`);
  assert.deepEqual(problems, ['2:3 Resources depend on each other: A -> B -> A.']);
});

test('a mistake in an inline component has its place in the template', async () => {
  const problems = await problemsOf(`Resources:${COMPONENT.replace('ExecuteBash', 'ExecuteBsh')}`);
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /^17:25 .*ExecuteBsh/);
});

test('a mistake in a component file has its place in that file', async () => {
  const file = join(folder, 'template.yaml');
  await writeFile(join(folder, 'broken.yaml'), 'schemaVersion: 1.0\nphases:\n  - nme: build\n    steps: []\n');
  const template = `Resources:
  C:
    Type: AWS::ImageBuilder::Component
    Properties: { Name: tool, Version: 1.0.0, Platform: Linux, Uri: broken.yaml }
`;
  const error = await plan(template, {}, file).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof InvalidDocumentError);
  assert.equal(error.problems[0]?.file, join(folder, 'broken.yaml'));
  assert.equal(error.problems[0]?.position.line, 2);
});

test('a component file that is missing, no file or too large is refused at its Uri', async () => {
  const file = join(folder, 'template.yaml');
  await writeFile(join(folder, 'large.yaml'), 'x'.repeat(65 * 1024));
  for (const [uri, reason] of [
    ['gone.yaml', /there is no such file/],
    ['.', /not a file/],
    ['large.yaml', /at most 65536/],
  ] as const) {
    const template = `Resources:
  C:
    Type: AWS::ImageBuilder::Component
    Properties: { Name: tool, Version: 1.0.0, Platform: Linux, Uri: ${uri} }
`;
    const [problem = ''] = await problemsOf(template, {}, file);
    assert.match(problem, /^4:69 /);
    assert.match(problem, reason);
  }
});

test('the examples are right', async () => {
  const { readFile } = await import('node:fs/promises');
  for (const name of ['hello', 'web-server']) {
    const file = join(import.meta.dirname, '../../examples', name, 'template.yaml');
    const { resources } = await plan(await readFile(file, 'utf8'), {}, file);
    assert.equal(resources.filter(({ type }) => type === 'AWS::ImageBuilder::Image').length, 1);
  }
});
