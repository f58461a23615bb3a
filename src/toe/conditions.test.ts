import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import fc from 'fast-check';
import type { StepInputs } from '../documents/component.ts';
import { compareNumbers, evaluateCondition } from './conditions.ts';
import { localTarget } from './targets/local.ts';
import { Workspace } from './workspace.ts';

const target = localTarget({ environment: {}, cwd: tmpdir() });

async function holds(condition: StepInputs): Promise<boolean> {
  return evaluateCondition(condition, {
    target,
    workspace: new Workspace(target, tmpdir()),
    environment: {},
    signal: new AbortController().signal,
    resolve: async (text) => text,
  });
}

async function check(
  expected: boolean,
  cases: readonly (readonly [string, string | number, (string | number)?])[],
): Promise<void> {
  for (const [operator, baseline, value] of cases) {
    const condition = value === undefined ? { [operator]: baseline } : { [operator]: baseline, value };
    assert.equal(await holds(condition), expected, JSON.stringify(condition));
  }
}

test('strings are empty or only spaces', async () => {
  await check(true, [
    ['stringIsEmpty', ''],
    ['stringIsWhitespace', ' '],
    ['stringIsWhitespace', '   '],
  ]);
  await check(false, [
    ['stringIsEmpty', ' '],
    ['stringIsWhitespace', ''],
    ['stringIsWhitespace', ' x '],
  ]);
});

test('equality minds case, ordering does not', async () => {
  await check(true, [
    ['stringEquals', 'abc', 'abc'],
    ['stringEquals', '1.0', '1.0'],
    ['stringLessThan', 'B', 'a'],
    ['stringLessThan', 'a', '9'],
    ['stringLessThanEquals', 'A', 'a'],
    ['stringGreaterThan', 'a', 'B'],
    ['stringGreaterThanEquals', 'a', 'A'],
  ]);
  await check(false, [
    ['stringEquals', 'abc', 'Abc'],
    ['stringEquals', 'abc', ' abc'],
    ['stringLessThan', 'A', 'a'],
    ['stringGreaterThan', 'a', 'A'],
  ]);
});

test('patterns are RE2, unanchored and mind case', async () => {
  await check(true, [
    ['patternMatches', 'b+', 'abbc'],
    ['patternMatches', '^(?i)ABC$', 'abc'],
    ['patternMatches', '^[0-9]+$', 2023],
  ]);
  await check(false, [
    ['patternMatches', '^[a-z]+$', 'ThisIsValue'],
    ['patternMatches', '^b', 'ab'],
  ]);
  // Would take for ever in an engine that backtracks.
  await check(false, [['patternMatches', '(a*)*b', 'a'.repeat(10_000)]]);
  await assert.rejects(holds({ patternMatches: '(?=x)', value: 'x' }), /pattern of patternMatches is not valid/);
});

test('numbers compare as numbers; what is none makes every comparison false', async () => {
  await check(true, [
    ['numberEquals', '1', 1],
    ['numberEquals', '1.10', '1.1'],
    ['numberEquals', '-0', '0'],
    ['numberLessThan', 2, '1'],
    ['numberLessThanEquals', '2.0', 2],
    ['numberGreaterThan', '1.10', '1.9'],
    ['numberGreaterThanEquals', '+3', '03'],
    ['numberGreaterThan', '123456789012345678901234567890', '123456789012345678901234567891'],
    ['numberGreaterThan', 1e300, 1e301],
  ]);
  await check(false, [
    ['numberEquals', '1', 'a10'],
    ['numberLessThan', '1', ''],
    ['numberGreaterThan', '1', '1e3'],
    ['numberGreaterThan', '1', '.5'],
    ['numberGreaterThan', '1', '5.'],
    ['numberGreaterThan', '1', '0x10'],
    ['numberEquals', '0.1', '0.10000000000000000001'],
  ]);
  assert.equal(await holds({ not: { numberEquals: '1', value: 'a10' } }), true);
});

test('decimal texts compare as JavaScript compares the numbers, where those are exact', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer(),
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 0, max: 9 }),
      (a, b, x, y) => {
        const expected = Math.sign(Number(`${a}.${x}`) - Number(`${b}.${y}`));
        assert.equal(compareNumbers(`${a}.${x}`, `${b}.${y}`), expected === 0 ? 0 : expected);
      },
    ),
  );
});

test('and, or and not combine', async () => {
  const yes = { stringIsEmpty: '' };
  const no = { stringIsEmpty: 'x' };
  assert.equal(await holds({ and: [yes, yes, yes] }), true);
  assert.equal(await holds({ and: [yes, no] }), false);
  assert.equal(await holds({ or: [no, no, yes] }), true);
  assert.equal(await holds({ or: [no, no] }), false);
  assert.equal(await holds({ not: { and: [yes, { not: yes }] } }), true);
});
