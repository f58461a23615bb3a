import assert from 'node:assert/strict';
import { test } from 'node:test';
import { causeLine, commandLine, explainReason } from './cause-line.ts';

const cause = { class: 'timeout', tryNext: 'Raise timeoutSeconds.' } as const;

test('a reason is taken apart into what was put together', () => {
  const reason = [
    "Workflow Execution ID: 'wf-1' failed with reason: Document arn:x failed! component 'nginx', phase build: exit status 100",
    commandLine('apt-get install ngnix | tee log'),
    'E: Unable to locate package ngnix',
    causeLine({ class: 'package not found', tryNext: 'Check the name.' }, undefined),
    'Instance i-1 was kept.',
  ].join(' | ');
  assert.deepEqual(explainReason(reason), {
    what: "component 'nginx', phase build: exit status 100",
    command: 'apt-get install ngnix ; tee log',
    lines: ['E: Unable to locate package ngnix'],
    cause: 'package not found',
    tryNext: 'Check the name.',
    remarks: ['Instance i-1 was kept.'],
  });
});

test('a reason of another kind is shown as it is', () => {
  const { what, cause: found, remarks } = explainReason('Kiln was stopped for the night.');
  assert.deepEqual([what, found, remarks], ['Kiln was stopped for the night.', undefined, []]);
});

test('a timeout is compared with earlier runs', () => {
  const many = { runs: 5, medianSeconds: 12.34, longestSeconds: 3.21 };
  assert.match(causeLine(cause, many), /^cause: timeout \(it took 12 s, at most 3\.2 s in 5 earlier runs\) \| try: /);
  assert.match(causeLine(cause, { ...many, runs: 1 }), /\(it took 12 s in one earlier run\)/);
});
