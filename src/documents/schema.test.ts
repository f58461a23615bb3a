import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv, type ValidateFunction } from 'ajv';
import { parse } from 'yaml';
import { componentSchema } from './component-schema.ts';
import { parseComponent } from './parse-component.ts';
import { parseWorkflow } from './parse-workflow.ts';
import { workflowSchema } from './workflow-schema.ts';

const root = join(import.meta.dirname, '..', '..');

function compile(schema: object): ValidateFunction {
  return new Ajv({ strict: true, strictRequired: false, allowUnionTypes: true, strictTypes: false }).compile(schema);
}

const component = compile(componentSchema());
const workflow = compile(workflowSchema());

function problems(validate: ValidateFunction, text: string): readonly string[] {
  return validate(parse(text))
    ? []
    : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

test('every component document of the examples is right by the schema', () => {
  const files = globSync('examples/**/components/*.yaml', { cwd: root });
  assert.ok(files.length >= 42);
  for (const file of files) assert.deepEqual(problems(component, readFileSync(join(root, file), 'utf8')), [], file);
});

test('every managed workflow is right by the schema', () => {
  const files = globSync('src/engine/workflows/*.yaml', { cwd: root });
  assert.ok(files.length >= 2);
  for (const file of files) assert.deepEqual(problems(workflow, readFileSync(join(root, file), 'utf8')), [], file);
});

const step = (body: string): string => `schemaVersion: 1.0\nphases: [{name: build, steps: [${body}]}]\n`;

/** Right by the validator and the schema alike. */
const GOOD = [
  step('{name: A, action: UpdateOS}'),
  step('{name: A, action: Reboot, inputs: {delaySeconds: "5"}}'),
  step('{name: 1, action: ExecuteBash, timeoutSeconds: -1, inputs: {commands: [echo, 1, true]}}'),
  step(
    '{name: A, action: CreateFile, inputs: [{path: /a, permissions: 0644, content: , overwrite: "{{ env:X }}", encoding: UTF8}]}',
  ),
  step('{name: A, action: Assert, inputs: {not: [{numberEquals: 1, value: "{{ env:X }}"}]}}'),
  step(
    '{name: A, action: ExecuteBinary, if: {fileExists: /a, then: Skip}, loop: {for: {start: 0, end: 4, updateBy: 2}}, inputs: {path: ls}}',
  ),
];

/** Refused by both. */
const BAD = [
  'schemaVersion: 2.0\nphases: [{name: build, steps: [{name: A, action: UpdateOS}]}]\n',
  'schemaVersion: 1.0\nphases: []\n',
  'schemaVersion: 1.0\nphase: []\n',
  step('{name: A B, action: UpdateOS}'),
  step('{name: A, action: ExecuteBsh, inputs: {commands: [x]}}'),
  step('{name: A, action: ExecuteBash}'),
  step('{name: A, action: ExecuteBash, inputs: {commands: []}}'),
  step('{name: A, action: ExecuteBash, inputs: {command: [x]}}'),
  step('{name: A, action: ExecuteBash, inputs: [{commands: [x]}]}'),
  step('{name: A, action: CreateFile, inputs: {path: /a}}'),
  step('{name: A, action: CreateFile, inputs: [{content: x}]}'),
  step('{name: A, action: CreateFile, inputs: [{path: /a, permissions: rwx}]}'),
  step('{name: A, action: UpdateOS, timeoutSeconds: 0}'),
  step('{name: A, action: UpdateOS, maxAttempts: 0}'),
  step('{name: A, action: UpdateOS, onFailure: abort}'),
  step('{name: A, action: UpdateOS, if: {fileExist: /a}}'),
  step('{name: A, action: UpdateOS, if: {stringEquals: a}}'),
  step('{name: A, action: UpdateOS, if: {and: [{fileExists: /a}]}}'),
  step('{name: A, action: UpdateOS, loop: {forEach: []}}'),
  step('{name: A, action: UpdateOS, loop: {for: {start: 0, end: 1, updateBy: 0}}}'),
  step('{name: A, action: UpdateOS, loop: {forEach: {list: a, delimiter: "::"}}}'),
  step('{name: A, action: WebDownload, inputs: [{source: "ftp://a/b", destination: /a}]}'),
];

test('the schema of components and the validator agree on documents that are right', () => {
  for (const text of GOOD) {
    assert.deepEqual(problems(component, text), [], text);
    parseComponent(text, 'good.yaml');
  }
});

test('the schema of components and the validator agree on documents that are wrong', () => {
  for (const text of BAD) {
    assert.notDeepEqual(problems(component, text), [], text);
    assert.throws(() => parseComponent(text, 'bad.yaml'), text);
  }
});

test('the schema of workflows refuses what the validator refuses', () => {
  const workflowOf = (body: string): string => `schemaVersion: 1.0\nsteps: [${body}]\n`;
  const good = workflowOf('{name: Launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}');
  assert.deepEqual(problems(workflow, good), []);
  parseWorkflow({ file: 'good.yaml', text: good, type: 'BUILD' });
  for (const body of [
    '{name: L, action: LaunchInstance, inputs: {waitFor: ssmAgent}}',
    '{name: Launch, action: LaunchInstance}',
    '{name: Launch, action: LaunchInstance, inputs: {waitFor: cloudInit}}',
    '{name: Launch, action: LaunchInstances, inputs: {waitFor: ssmAgent}}',
    '{name: Launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}, onFailure: Ignore}',
    '{name: Launch, action: LaunchInstance, inputs: {waitFor: ssmAgent, size: 1}}',
    '{name: Launch, action: TerminateInstance, inputs: {instanceId: a, instanceId.$: $.parameters.x}}',
    '{name: Launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}, if: {stringEqual: a, value: b}}',
  ]) {
    assert.notDeepEqual(problems(workflow, workflowOf(body)), [], body);
    assert.throws(() => parseWorkflow({ file: 'bad.yaml', text: workflowOf(body), type: 'BUILD' }), body);
  }
});
