import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluated, problemsOf } from './test-template.ts';

const declared = (lines: string): string => `
Parameters:
  P:
${lines
  .split('\n')
  .map((line) => `    ${line}`)
  .join('\n')}
`;

test('a given value wins over the default', async () => {
  const before = declared('Type: String\nDefault: mine');
  assert.equal(await evaluated('!Ref P', before), 'mine');
  assert.equal(await evaluated('!Ref P', before, { parameters: { P: 'yours' } }), 'yours');
});

test('an empty given value is a value', async () => {
  const problems = await refusal('Type: String\nMinLength: 1\nDefault: x', '');
  assert.match(problems, /'P' must have at least 1 characters/);
});

async function refusal(declaration: string, value: string | undefined): Promise<string> {
  const parameters = value === undefined ? {} : { P: value };
  const problems = await problemsOf(`${declared(declaration)}Resources: {}\n`, { parameters });
  return problems.join('\n');
}

const REFUSED: readonly (readonly [declaration: string, value: string | undefined, problem: RegExp])[] = [
  ['Type: String', undefined, /'P' has no value and no default. \(give it with -p P=VALUE\)/],
  ['Type: String\nAllowedValues: [a, b]', 'c', /'P' cannot be 'c'. \(allowed: a, b\)/],
  ['Type: String\nAllowedPattern: "[a-z]+"', 'a1', /AllowedPattern: 'a1'. \(pattern: /],
  ['Type: String\nAllowedPattern: "[a-z]+"\nConstraintDescription: letters', 'a1', /\(letters\)/],
  ['Type: String\nMaxLength: 2', 'abc', /at most 2 characters/],
  ['Type: Number', 'x', /must be a number, not 'x'/],
  ['Type: Number\nMinValue: 3', '2', /must be at least 3/],
  ['Type: List<Number>\nMaxValue: 3', '1,4', /must be at most 3/],
  ['Type: String\nNoEcho: true\nMaxLength: 2', 'secret', /must have at most 2 characters\.$/],
  ['Type: Strin', 'x', /no parameter type 'Strin'.*supported: String/],
  ['Type: AWS::EC2::Subnet::Id', 'x', /does not support parameters of type AWS::EC2::Subnet::Id/],
  ['Type: String\nDefalt: x', 'x', /has no key 'Defalt'.*did you mean 'Default'/],
  ['Type: String\nAllowedPattern: "["', 'x', /not a regular expression/],
  ['Default: x', 'x', /needs the key 'Type'/],
];

for (const [declaration, value, problem] of REFUSED) {
  test(`the value ${value} is refused for: ${declaration.replaceAll('\n', ', ')}`, async () => {
    assert.match(await refusal(declaration, value), problem);
  });
}

test('a secret is not repeated in the message', async () => {
  const problems = await refusal('Type: String\nNoEcho: true\nAllowedValues: [a]', 'hunter2');
  assert.doesNotMatch(problems, /hunter2/);
});

test('a value for a parameter that is not declared is refused', async () => {
  const problems = await problemsOf('Resources: {}\n', { parameters: { Q: 'x' } });
  assert.match(problems.join(), /no parameter 'Q'/);
});
