import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuildFailure } from '../util/faults.ts';
import { executorOf } from './executor-tag.ts';

const workflow = (name: string): readonly string[] => [
  `arn:aws:imagebuilder:us-east-1:aws:workflow/build/${name}/1.0.0/1`,
];

test('the tag of the image comes before that of the infrastructure configuration, then the workflow, then auto', () => {
  assert.equal(executorOf({ 'kiln:executor': 'vm' }, { 'kiln:executor': 'direct' }), 'vm');
  assert.equal(executorOf({}, { 'kiln:executor': 'direct' }), 'direct');
  assert.equal(executorOf({}, {}, workflow('express-build-image')), 'direct');
  assert.equal(executorOf({}, { 'kiln:executor': 'vm' }, workflow('express-build-image')), 'vm');
  assert.equal(executorOf({}, {}, workflow('build-image')), 'auto');
  assert.equal(executorOf({}, {}), 'auto');
});

test('a word that is no executor fails the build', () => {
  assert.throws(
    () => executorOf({ 'kiln:executor': 'fast' }, {}),
    (error) => error instanceof BuildFailure && /'fast'; it can be auto, direct, vm/.test(error.message),
  );
});
