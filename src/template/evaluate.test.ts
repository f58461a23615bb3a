import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle } from './encode-properties.ts';
import { evaluated, plan, problemsOf } from './test-template.ts';

const PARAMETERS = `
Parameters:
  Size:
    Type: String
    Default: big
  Zones:
    Type: CommaDelimitedList
    Default: a, b
  Colour:
    Type: AWS::SSM::Parameter::Value<String>
    Default: /app/colour
  Colours:
    Type: AWS::SSM::Parameter::Value<List<String>>
    Default: /app/colour
Mappings:
  Sizes:
    us-east-1: { big: m5.large, several: [m5.large, t3.micro] }
Conditions:
  IsBig: !Equals [!Ref Size, big]
  IsSmall: !Not [!Condition IsBig]
  Both: { "Fn::And": [{ Condition: IsBig }, { Condition: IsSmall }] }
  Either: !Or [!Condition IsBig, !Condition IsSmall]
  IsHere: !Equals [!FindInMap [Sizes, !Ref AWS::Region, big], m5.large]
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
  ['!Ref Colour', 'red,green'],
  ['!Select [1, !Ref Colours]', 'green'],
  ['!Select [1, !Ref Zones]', 'b'],
  ['!Select ["0", [!Ref Size, x]]', 'big'],
  ['!Select [2, !Split ["/", a/b/c]]', 'c'],
  ['!Join ["-", !Split ["/", a/b/c]]', 'a-b-c'],
  ['!FindInMap [Sizes, !Ref AWS::Region, !Ref Size]', 'm5.large'],
  ['!Select [1, !FindInMap [Sizes, us-east-1, several]]', 't3.micro'],
  ['!If [IsBig, yes, no]', 'yes'],
  ['{ "Fn::If": [IsSmall, yes, !Ref Size] }', 'big'],
  ['!If [Both, yes, no]', 'no'],
  ['!If [Either, yes, no]', 'yes'],
  ['!If [IsHere, !If [IsBig, a, b], c]', 'a'],
  ['!Select [5, !Split [":", !Ref AWS::StackId]]', 'stack/web/52e4ee3d-6ea8-51de-7c26-914b454fee4d'],
  ['!Sub ["none: ${Topics}", { Topics: !Join [",", !Ref AWS::NotificationARNs] }]', 'none: '],
];

for (const [written, result] of RESULTS) {
  test(`${written} is '${result}'`, async () => {
    assert.equal(await evaluated(written, PARAMETERS), result);
  });
}

test('a value of AWS::NoValue is as if it were not there', async () => {
  assert.equal(await evaluated('!Ref AWS::NoValue'), undefined);
});

test('AWS::NoValue that a condition chooses is as if it were not there', async () => {
  assert.equal(await evaluated('!If [IsSmall, x, !Ref AWS::NoValue]', PARAMETERS), undefined);
});

test('a piece of an attribute is cut out when the attribute is known', async () => {
  const { resources } = await plan(`${PARAMETERS}
Resources:
  Infra:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties: { Name: infra, InstanceProfileName: profile }
  Other:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties: { Name: other, InstanceProfileName: !Sub ["x-\${Account}", { Account: !Select [4, !Split [":", !GetAtt Infra.Arn]] }] }
`);
  const pending = resources[1]?.input['instanceProfileName'];
  const arn = 'arn:aws:imagebuilder:us-east-1:123456789012:infrastructure-configuration/infra';
  assert.equal(
    settle(pending, () => arn),
    'x-123456789012',
  );
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
  ['!If [IsBg, b, c]', /no condition 'IsBg'.*did you mean 'IsBig'/],
  ['!If [IsBig, b]', /Fn::If takes a list of the name of a condition and two values/],
  ['!If [IsBig, b, !Ref Sise]', /no parameter or resource 'Sise'/],
  ['!Equals [a, b]', /Fn::Equals is for conditions/],
  ['!ImportValue x', /does not support Fn::ImportValue/],
  ['!GetAZs x', /does not support Fn::GetAZs/],
  ['{ "Fn::FindInMap": [a, b, c] }', /no mapping 'a'/],
  ['!FindInMap [Sizes, us-east-2, big]', /no key of the mapping 'Sizes' 'us-east-2'/],
  ['!FindInMap [Sizes, us-east-1, bog]', /no key of 'us-east-1' .*'bog'.*did you mean 'big'/],
  ['!FindInMap [Sizes, us-east-1, big, { DefaultValue: x }]', /needs the transform/],
  ['!Select [7, !Ref Zones]', /no item 7: the list has 2/],
  ['!Select [x, !Ref Zones]', /must be a whole number from 0/],
  ['!Select [0, !Ref Size]', /selects from a list, not from a text/],
  ['!Split ["", a]', /needs a delimiter/],
  ['!Split [",", !Ref Zones]', /splits a text, not a list/],
  ['"{{resolve:ssm:name:1}}"', /does not support dynamic references/],
  ['!Reff Size', /no function !Reff.*did you mean '!Ref'/],
  ['{ "Fn::Sbu": x }', /no function Fn::Sbu.*did you mean 'Fn::Sub'/],
  ['{ Ref: Size, also: this }', /Ref must be the only key/],
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
    assert.match(problems[0] ?? '', /^31:\d+ /);
  });
}
