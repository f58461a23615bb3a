import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { bash, documentOf, newPath, run, stepOf } from './run-documents.fixture.ts';

test('parameters come from the caller, then from the default; constants cannot be overridden', async () => {
  const head = {
    parameters: [{ One: { type: 'string', default: 'd1' } }, { Two: { type: 'string', default: 'd2' } }],
    constants: [{ Three: { type: 'string', value: 'c' } }],
  };
  const document = documentOf({ build: [bash('A', 'echo "{{ One }} {{Two}} {{ Three }}"')] }, head);
  const result = await run([{ ...document, parameters: { Two: 'given {{ One }}', Three: 'x' } }]);
  assert.deepEqual(stepOf(result, 'A').outputs, [{ stdout: 'd1 given {{ One }} c' }]);
});

test('a parameter without a value fails the step that needs it', async () => {
  const document = documentOf({ build: [bash('A', 'echo {{ One }}')] }, { parameters: [{ One: { type: 'string' } }] });
  assert.equal((await run([document])).firstFailure?.errorMessage, 'the parameter One has no value');
});

test('context and environment have the documented values', async () => {
  const keys = [
    'executionId',
    'accountId',
    'region',
    'osPlatform',
    'date',
    'dateTime',
    'phase',
    'step',
    'hostname',
    'osVersion',
  ];
  const script = `${keys.map((key) => `echo "{{ context:${key} }}"`).join('\n')}\necho "{{ env:IMAGE_PHASE }} $IMAGE_PHASE"`;
  const result = await run([documentOf({ build: [bash('A', script)] })], {
    environment: { IMAGE_PHASE: 'BUILDING' },
    clock: { now: () => new Date('2026-01-31T08:15:30.123Z') },
  });
  const lines = String(stepOf(result, 'A').outputs[0]?.['stdout']).split('\n');
  assert.deepEqual(lines.slice(0, 8), [
    'id-1',
    '111122223333',
    'eu-west-1',
    'linux',
    '2026-01-31',
    '2026-01-31T08:15:30Z',
    'build',
    'A',
  ]);
  assert.notEqual(lines[8], '');
  assert.equal(lines[10], 'BUILDING BUILDING');
  assert.equal(stepOf(result, 'A').startTime, '2026-01-31T08:15:30Z');
});

test('every uuid is a new one, and an environment variable that is not set fails the step', async () => {
  const result = await run([
    documentOf({
      build: [bash('A', 'echo {{ context:uuid }} {{ context:uuid }}'), bash('B', 'echo {{ env:KILN_NOT_SET }}')],
    }),
  ]);
  const [first, second] = String(stepOf(result, 'A').outputs[0]?.['stdout']).split(' ');
  assert.notEqual(first, second);
  assert.match(first ?? '', /^[0-9a-f-]{36}$/);
  assert.match(result.firstFailure?.errorMessage ?? '', /KILN_NOT_SET }}: the environment variable is not set/);
});

test('inputs are chained as they were resolved, outputs without the line end', async () => {
  const path = newPath();
  const result = await run([
    documentOf({
      build: [
        bash('A', 'echo "  two words"'),
        {
          name: 'F',
          action: 'CreateFile',
          inputs: [{ path: `${path}-{{ context:step }}`, content: '[{{ build.A.outputs.stdout }}]' }],
        },
        { name: 'R', action: 'ReadFile', inputs: [{ path: '{{ build.F.inputs[0].path }}' }] },
        bash('E', 'echo "{{ build.R.outputs.content }}{{ build.F.inputs[0].owner }}"'),
      ],
    }),
  ]);
  assert.deepEqual(stepOf(result, 'E').outputs, [{ stdout: '[  two words]' }]);
  assert.equal(await readFile(`${path}-F`, 'utf8'), '[  two words]');
});

test('a reference to a step that failed, was skipped or was not selected fails with a clear message', async () => {
  const document = documentOf({
    build: [
      bash('A', 'exit 1', { onFailure: 'Ignore' }),
      bash('S', 'echo x', { if: { stringIsEmpty: 'x' } }),
      bash('B', 'echo {{ build.A.outputs.stdout }}', { onFailure: 'Continue' }),
      bash('C', 'echo {{ build.S.outputs.stdout }}', { onFailure: 'Continue' }),
    ],
    test: [bash('T', 'echo {{ build.A.outputs.stdout }}')],
  });
  const result = await run([document]);
  for (const name of ['B', 'C', 'T'])
    assert.match(stepOf(result, name).failureMessage, /did not run, was skipped or failed/);
});

test('inputs that are only known at run time are checked like literals', async () => {
  const head = { parameters: [{ Mode: { type: 'string', default: 'yes' } }] };
  const inputs = [{ path: newPath(), overwrite: '{{ Mode }}' }];
  const result = await run([documentOf({ build: [{ name: 'A', action: 'CreateFile', inputs }] }, head)]);
  assert.match(
    result.firstFailure?.errorMessage ?? '',
    /the input 'overwrite' cannot be 'yes' \(true or false is expected\)/,
  );
});
