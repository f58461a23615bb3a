import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidDocumentError } from '../util/problem.ts';
import { parseComponent } from './parse-component.ts';

const step = (name: string, more = ''): string =>
  `      - { name: ${name}, action: ExecuteBash, ${more} inputs: { commands: [x] } }\n`;
const assertion = (name: string, condition: string, more = ''): string =>
  `      - { name: ${name}, action: Assert, ${more} inputs: ${condition} }\n`;

function check(...steps: readonly string[]): readonly string[] {
  const messages: string[] = [];
  const text = `schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n${steps.join('')}`;
  try {
    parseComponent(text, 'd', {
      onWarning: ({ position, message }) => messages.push(`warning ${position.line}: ${message}`),
    });
  } catch (error) {
    assert.ok(error instanceof InvalidDocumentError);
    messages.push(...error.problems.map(({ position, message }) => `${position.line}: ${message}`));
  }
  return messages;
}

const unreached = (name: string, last: string): RegExp =>
  new RegExp(`^6: The step '${name}' .* never reached: '${last}' \\(line 5\\)`);

test('what stands behind a step that always ends the run is refused', () => {
  for (const first of [
    step('A', 'if: { fileExists: /x, then: Abort, else: Abort },'),
    step('A', 'if: { stringEquals: a, value: b, else: Abort },'),
    step('A', 'if: { not: { stringIsEmpty: a }, then: Abort },'),
    assertion('A', '{ stringEquals: a, value: b }'),
    assertion('A', '{ and: [{ fileExists: /x }, { numberEquals: 1, value: 2 }] }'),
    assertion('A', '{ numberEquals: 16, value: "0x10" }'),
  ]) {
    const [problem = '', ...others] = check(first, step('B'), step('C'));
    assert.match(problem, unreached('B', 'A'), first);
    assert.deepEqual(others, []);
  }
});

test('what may be reached is not refused', () => {
  for (const first of [
    step('A', 'if: { fileExists: /x, else: Abort },'),
    step('A', 'if: { stringEquals: a, value: "{{ env:X }}", else: Abort },'),
    step('A', 'if: { stringEquals: a, value: b, else: Abort }, onFailure: Continue,'),
    assertion('A', '{ stringEquals: a, value: b }', 'onFailure: Ignore,'),
    assertion('A', '{ or: [{ stringEquals: a, value: b }, { fileExists: /x }] }'),
    assertion('A', '{ numberEquals: 1.0, value: "1" }'),
  ]) {
    assert.deepEqual(check(first, step('B')), [], first);
  }
  assert.deepEqual(check(step('B'), assertion('A', '{ stringEquals: a, value: b }')), []);
});

test('a step that its own condition always skips is legal and told', () => {
  assert.deepEqual(check(step('A', 'if: { stringEquals: a, value: b },'), step('B')), [
    "warning 5: The step 'A' never runs: its 'if' is always false.",
  ]);
  assert.deepEqual(check(step('A', 'if: { fileExists: /x, then: Skip, else: Skip },')), [
    "warning 5: The step 'A' never runs: both outcomes of its 'if' skip it.",
  ]);
  assert.deepEqual(check(step('A', 'if: { stringIsEmpty: "", then: Skip, else: Execute },')), [
    "warning 5: The step 'A' never runs: its 'if' is always true.",
  ]);
});
