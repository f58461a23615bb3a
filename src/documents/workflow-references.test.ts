import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuildFailure } from '../util/faults.ts';
import { asOperand, type Condition, evaluateCondition } from './workflow-conditions.ts';
import {
  interpolate,
  parseReference,
  type ReferenceScope,
  resolveInputs,
  resolveReference,
} from './workflow-references.ts';

const scope: ReferenceScope = {
  parameters: { answer: 42, list: ['a', 'b'], flag: true },
  stepOutputs: { Launch: { instanceId: 'i-1' } },
  workflowOutputs: { ImageId: 'ami-1' },
  imagebuilder: { imageType: 'AMI', platform: 'Linux', imageBuildNumber: 3 },
};

function resolve(text: string): unknown {
  const reference = parseReference(text);
  assert.ok(reference !== undefined, text);
  return resolveReference(reference, scope);
}

test('references give the value they name', () => {
  assert.equal(resolve('$.parameters.answer'), 42);
  assert.equal(resolve('$.parameters.list[1]'), 'b');
  assert.equal(resolve('$.stepOutputs.Launch.instanceId'), 'i-1');
  assert.equal(resolve('$.workflowOutputs.ImageId'), 'ami-1');
  assert.equal(resolve('$.imagebuilder.Platform'), 'Linux');
});

test('text that is no reference does not parse as one', () => {
  for (const text of [
    'parameters.x',
    '$parameters.x',
    '$.parameters',
    '$.steps.x',
    '$.parameters.x y',
    '$.parameters[0]',
  ]) {
    assert.equal(parseReference(text), undefined, text);
  }
});

test('a reference without value fails with the reason, and members of objects themselves are not values', () => {
  assert.throws(
    () => resolve('$.stepOutputs.Skipped.instanceId'),
    (error) => {
      assert.ok(error instanceof BuildFailure);
      assert.equal(error.message, '$.stepOutputs.Skipped.instanceId has no value: step Skipped did not run');
      return true;
    },
  );
  for (const text of ['$.parameters.constructor', '$.parameters.list[7]', '$.stepOutputs.Launch.toString']) {
    assert.throws(() => resolve(text), BuildFailure, text);
  }
});

test('text is interpolated only inside double braces; what is not text is written as JSON', () => {
  assert.equal(
    interpolate(
      '{"id": "{{$.stepOutputs.Launch.instanceId}}", "n": {{ $.parameters.list }}, "raw": "$.parameters.answer"}',
      scope,
    ),
    '{"id": "i-1", "n": ["a","b"], "raw": "$.parameters.answer"}',
  );
  assert.equal(interpolate('{{ imagebuilder:buildDate }}', scope), '{{ imagebuilder:buildDate }}');
});

test('inputs lose their suffix and keep the type of what they name, at any depth', () => {
  assert.deepEqual(
    resolveInputs({ 'a.$': '$.parameters.flag', b: [{ 'c.$': '$.parameters.answer' }], d: 'x' }, scope),
    {
      a: true,
      b: [{ c: 42 }],
      d: 'x',
    },
  );
});

test('numbers may be written as text, booleans may not', () => {
  assert.equal(asOperand('7', 'number'), 7);
  assert.equal(asOperand('-1.5', 'number'), -1.5);
  assert.equal(asOperand('1e3', 'number'), undefined);
  assert.equal(asOperand('true', 'boolean'), undefined);
  assert.equal(asOperand(true, 'string'), 'true');
});

test('conditions compare the value with the operand, in that direction', () => {
  const build = parseReference('$.imagebuilder.imageBuildNumber');
  assert.ok(build !== undefined);
  const holds = (operator: Extract<Condition, { kind: 'compare' }>['operator'], expected: number): boolean =>
    evaluateCondition({ kind: 'compare', operator, expected, value: build }, scope);
  assert.deepEqual(
    [2, 3, 4].map((n) => [
      holds('numberEquals', n),
      holds('numberGreaterThan', n),
      holds('numberGreaterThanEquals', n),
      holds('numberLessThan', n),
      holds('numberLessThanEquals', n),
    ]),
    [
      [false, true, true, false, false],
      [true, false, true, false, true],
      [false, false, false, true, true],
    ],
  );
});

test('and, or and not combine, and stop as soon as the answer is known', () => {
  const missing = parseReference('$.stepOutputs.Skipped.x');
  assert.ok(missing !== undefined);
  const yes: Condition = { kind: 'compare', operator: 'booleanEquals', expected: true, value: true };
  const no: Condition = { kind: 'not', child: yes };
  const fails: Condition = { kind: 'compare', operator: 'stringEquals', expected: '', value: missing };
  assert.equal(evaluateCondition({ kind: 'or', children: [no, yes, fails] }, scope), true);
  assert.equal(evaluateCondition({ kind: 'and', children: [yes, no, fails] }, scope), false);
  assert.throws(() => evaluateCondition({ kind: 'and', children: [yes, fails] }, scope), BuildFailure);
});
