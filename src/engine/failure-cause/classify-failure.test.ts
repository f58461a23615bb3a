import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AwsError } from '../../contract/errors.ts';
import { TargetLostError } from '../../toe/target.ts';
import { BuilderFault, BuildFailure } from '../../util/faults.ts';
import { InvalidDocumentError } from '../../util/problem.ts';
import { DistributionFailed } from '../distribution/region-failure.ts';
import { ComponentFailure } from '../steps/step-action.ts';
import { classifyFailure, classOfOutput } from './classify-failure.ts';
import type { FailureClass } from './failure-classes.ts';
import { linesThatMatter } from './lines-that-matter.ts';
import { RECORDED_OUTPUT } from './recorded-output.fixture.ts';

for (const { tool, class: expected, lines, matter } of RECORDED_OUTPUT) {
  test(`${tool}: ${expected ?? 'script error'}`, () => {
    assert.equal(classOfOutput(lines), expected);
    const chosen = linesThatMatter(lines);
    assert.ok(chosen.length >= 1 && chosen.length <= 3, chosen.join('\n'));
    assert.ok(
      chosen.some((line) => line.includes(matter)),
      `of the lines that matter none has '${matter}':\n${chosen.join('\n')}`,
    );
  });
}

function failedStep(errorMessage: string, lastLines: readonly string[] = [], timedOut = false): ComponentFailure {
  const step = { documentId: 'arn', phase: 'build', step: 'Run', action: 'ExecuteBash' };
  const place = { ...step, errorMessage, lastLines, timedOut };
  return new ComponentFailure('it failed', { outputs: {}, place, awsMessage: '' });
}

function distribution(cause: Error): DistributionFailed {
  return new DistributionFailed({ region: 'us-east-1', errorMessage: cause.message, targetAccountId: '1' }, cause);
}

const ERRORS: readonly (readonly [string, Error, FailureClass])[] = [
  ['a script that ends with a code', failedStep('exit status 3', ['something']), 'script error'],
  ['a script that the kernel killed', failedStep('exit status 137'), 'out of memory'],
  ['a script that took too long', failedStep('timed out after 60 s', ['No space left on device'], true), 'timeout'],
  ['a download that waited in vain', failedStep('curl: (28) Operation timed out after 30000 ms'), 'network'],
  ['a download that failed', failedStep('curl: (6) Could not resolve host: x.example'), 'network'],
  ['a workflow step that took too long', new BuildFailure('timed out after 3600 s', { kind: 'timeout' }), 'timeout'],
  ['a guest that never answers', new BuildFailure('no answer\nENOSPC', { kind: 'guest lost' }), 'guest lost'],
  [
    'a function that does not answer',
    new BuildFailure("The function 'f' did not answer within 20 s", { kind: 'function failed' }),
    'function failed',
  ],
  ['a person', new BuildFailure('Somebody said STOP', { kind: 'stopped' }), 'stopped'],
  ['a document that is not one', new InvalidDocumentError([]), 'definition'],
  ['a reference to nothing', new AwsError('InvalidParameterValueException', 'no'), 'definition'],
  ['a distribution that cannot be written', distribution(new BuilderFault('The disk of /x is full')), 'disk full'],
  ['a distribution to nowhere', distribution(new BuildFailure('no Parameter Store')), 'definition'],
  ['a target that is gone', new TargetLostError('i-1 was lost: QEMU has ended'), 'guest lost'],
  ['no QEMU', new BuilderFault('QEMU is not installed', { missingPrerequisite: true }), 'missing prerequisite'],
  ['QEMU that fails', new BuilderFault('QEMU failed'), 'builder fault'],
  ['a full disk of the worker', new BuilderFault('The disk of /x is full'), 'disk full'],
  ['a bug', new TypeError('x is not a function'), 'builder fault'],
  ['a component that is not there', new BuildFailure("Component 'x' does not exist"), 'definition'],
  ['a clean-up that failed', new BuildFailure('The clean-up failed with exit status 1\nrm: x'), 'script error'],
];

for (const [what, error, expected] of ERRORS) {
  test(`${what} is: ${expected}`, () => {
    const cause = classifyFailure(error);
    assert.equal(cause.class, expected);
    assert.match(cause.tryNext, /^[A-Z].*\.$/);
  });
}

test('lines without a complaint are the last ones, and none is endless', () => {
  assert.deepEqual(linesThatMatter(['one', '', 'two', 'three', 'four  ']), ['two', 'three', 'four']);
  assert.deepEqual(
    linesThatMatter([`error: ${'x'.repeat(500)}`]).map((line) => line.length),
    [200],
  );
  assert.deepEqual(linesThatMatter([]), []);
});
