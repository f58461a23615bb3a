import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { bash, documentOf, newPath, run, stepOf } from './run-documents.fixture.ts';

test('if: false without else skips and is a success; Abort fails the step; decided once', async () => {
  const path = newPath();
  const result = await run([
    documentOf({
      build: [
        bash('Skip', 'exit 1', { if: { stringEquals: 'a', value: 'A' } }),
        bash('Once', `echo x > ${path}; exit 1`, {
          if: { not: { fileExists: path } },
          maxAttempts: 2,
          onFailure: 'Ignore',
        }),
        // biome-ignore lint/suspicious/noThenProperty: a key of component documents
        bash('Else', 'exit 1', { if: { stringEquals: 'a', value: 'a', then: 'Skip', else: 'Execute' } }),
        bash('Abort', 'true', { if: { stringEquals: 'a', value: '{{ context:step }}', else: 'Abort' } }),
      ],
    }),
  ]);
  assert.deepEqual(
    ['Skip', 'Once', 'Else', 'Abort'].map((name) => stepOf(result, name).status),
    ['skipped', 'ignoredFailure', 'skipped', 'failed'],
  );
  assert.equal(stepOf(result, 'Once').failureMessage, 'exit status 1');
  assert.equal(result.executedStepCount, 2);
});

test('loops run once per value and join their outputs', async () => {
  const result = await run([
    documentOf({
      build: [
        bash('For', 'echo {{ loop.index }}={{ loop.value }}', { loop: { for: { start: 10, end: 0, updateBy: -5 } } }),
        bash('Each', 'echo "{{ n.value }}{{ loop.value }}{{ other.value }}"', {
          loop: { name: 'n', forEach: ['a', '{{ build.For.inputs.commands }}'] },
        }),
        bash('List', 'echo "[{{ loop.value }}]"', {
          loop: { forEach: { list: '{{ build.For.outputs.stdout }}', delimiter: '\n' } },
        }),
        bash('None', 'echo "{{ loop.value }}"'),
      ],
    }),
  ]);
  assert.equal(result.status, 'success', result.firstFailure?.errorMessage);
  assert.deepEqual(stepOf(result, 'For').outputs, [{ stdout: '0=10\n1=5\n2=0' }]);
  assert.deepEqual(stepOf(result, 'Each').outputs, [
    { stdout: 'aa{{ other.value }}\necho 2=0echo 2=0{{ other.value }}' },
  ]);
  assert.deepEqual(stepOf(result, 'List').outputs, [{ stdout: '[0=10]\n[1=5]\n[2=0]' }]);
  assert.deepEqual(stepOf(result, 'None').outputs, [{ stdout: '{{ loop.value }}' }]);
});

test('a failed iteration ends the loop, and a retry begins at the first', async () => {
  const path = newPath();
  const result = await run([
    documentOf({
      build: [
        bash('A', `echo {{ loop.value }} >> ${path}; [ {{ loop.value }} != b ]`, {
          loop: { forEach: ['a', 'b', 'c'] },
          maxAttempts: 2,
        }),
      ],
    }),
  ]);
  assert.equal(await readFile(path, 'utf8'), 'a\nb\na\nb\n');
  assert.equal(result.firstFailure?.errorMessage, 'iteration 1 failed: exit status 1');
});

test('the time of a loop is that of all its iterations', async () => {
  const loop = { for: { start: 1, end: 1000, updateBy: 1 } };
  const result = await run([documentOf({ build: [bash('A', 'sleep 0.3', { loop, timeoutSeconds: 1 })] })]);
  assert.equal(result.firstFailure?.errorMessage, 'the loop timed out after 1 s');
});

test('and and or look at nothing after the operand that decides', async () => {
  const unset = { stringEquals: '{{ env:KILN_NOT_SET }}', value: 'x' };
  const falsehood = { stringIsEmpty: 'x' };
  const result = await run([
    documentOf({
      build: [
        { name: 'A', action: 'Assert', inputs: { not: { and: [falsehood, unset] } } },
        { name: 'B', action: 'Assert', inputs: { or: [{ stringIsEmpty: '' }, unset] } },
        { name: 'C', action: 'Assert', inputs: { and: [{ stringIsEmpty: '' }, unset] } },
      ],
    }),
  ]);
  assert.equal(result.firstFailure?.step, 'C');
});
