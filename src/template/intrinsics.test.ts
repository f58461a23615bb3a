import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluated, problemsOf } from './test-template.ts';

const PARAMETERS = `
Parameters:
  Size:
    Type: String
    Default: big
  Zones:
    Type: CommaDelimitedList
    Default: a, b
`;

const RESULTS: readonly (readonly [written: string, result: string])[] = [
  ['!Ref Size', 'big'],
  ['{ Ref: Size }', 'big'],
  ['!Ref AWS::Region', 'us-east-1'],
  ['!Ref AWS::AccountId', '123456789012'],
  ['!Ref AWS::Partition', 'aws'],
  ['!Ref AWS::StackName', 'web'],
  ['!Ref AWS::URLSuffix', 'amazonaws.com'],
  ['!Sub "${Size} in ${AWS::Region}"', 'big in us-east-1'],
  ['!Sub "a literal ${!Size}"', 'a literal ${Size}'],
  ['!Sub ["${What}-${Size}", { What: !Ref AWS::Partition }]', 'aws-big'],
  ['{ "Fn::Sub": ["${Size}", { Size: mine }] }', 'mine'],
  ['!Join ["-", [a, !Ref Size, c]]', 'a-big-c'],
  ['!Join ["", [x]]', 'x'],
  ['!Join [",", !Ref Zones]', 'a,b'],
  ['{ "Fn::Join": [":", [a, !Sub "${Size}"]] }', 'a:big'],
  ['!Base64 hello', 'aGVsbG8='],
];

for (const [written, result] of RESULTS) {
  test(`${written} is '${result}'`, async () => {
    assert.equal(await evaluated(written, PARAMETERS), result);
  });
}

test('a value of AWS::NoValue is as if it were not there', async () => {
  assert.equal(await evaluated('!Ref AWS::NoValue'), undefined);
});

test('a number where text belongs keeps the text of the source', async () => {
  assert.equal(await evaluated('1.10'), '1.10');
});

const MISTAKES: readonly (readonly [written: string, problem: RegExp])[] = [
  ['!Ref Sise', /no parameter or resource 'Sise'.*did you mean 'Size'/],
  ['!Ref [Size]', /Ref takes the name/],
  ['!GetAtt Infrra.Arn', /no resource 'Infrra'.*did you mean 'Infra'/],
  ['!GetAtt Infra.Ann', /no attribute 'Ann'.*did you mean 'Arn'/],
  ['!GetAtt Infra', /takes 'LogicalId\.Attribute'/],
  ['!Sub "${Sise}"', /no parameter or resource 'Sise'/],
  ['!Sub "${Zones}"', /\$\{Zones\} is a list/],
  ['!Sub { a: b }', /Fn::Sub takes a text/],
  ['!Join [a]', /Fn::Join takes a list of a delimiter and a list/],
  ['!Join ["", [!Ref Zones]]', /joins texts, not a list/],
  ['!Join ["", !Ref Size]', /must be a list, not a text/],
  ['!If [a, b, c]', /does not support Fn::If .* yet/],
  ['!ImportValue x', /does not support Fn::ImportValue/],
  ['{ "Fn::FindInMap": [a, b, c] }', /does not support Fn::FindInMap/],
  ['!Reff Size', /no function !Reff.*did you mean '!Ref'/],
  ['{ "Fn::Sbu": x }', /no function Fn::Sbu.*did you mean 'Fn::Sub'/],
  ['{ Ref: Size, also: this }', /Ref must be the only key/],
  ['!Ref AWS::StackId', /does not support AWS::StackId/],
  ['!Ref Zones', /Description must be a text, not a list/],
];

for (const [written, problem] of MISTAKES) {
  test(`${written} is refused with its place`, async () => {
    const problems = await problemsOf(`${PARAMETERS}
Resources:
  Infra:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties:
      Name: infra
      InstanceProfileName: profile
      Description: ${written}
`);
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(problems[0] ?? '', problem);
    // A list keeps the place of its use, not of its declaration.
    assert.match(problems[0] ?? '', /^16:\d+ /);
  });
}
