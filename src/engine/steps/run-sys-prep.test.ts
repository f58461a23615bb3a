import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, simulatedWindows } from '../../toe/actions/simulated-windows.fixture.ts';
import { BuildFailure } from '../../util/faults.ts';
import { runSysPrep } from './run-sys-prep.ts';
import type { StepContext } from './step-action.ts';

function contextOf(answer: Answer) {
  const { target, invocations } = simulatedWindows(answer);
  const instanceId = 'i-0123456789abcdef0';
  const lines: string[] = [];
  const context = {
    plan: { platform: 'Windows' },
    progress: { instances: new Map([[instanceId, { instance: { instanceId, target } }]]) },
    signal: new AbortController().signal,
    monitor: { line: (_: string, text: string) => lines.push(text) },
    stepExecutionId: 'step-1',
  } as unknown as StepContext;
  return { context, inputs: { instanceId }, invocations, lines };
}

test('RunSysPrep runs Sysprep on the instance, a simulated Windows, and gives what came of it', async () => {
  const { context, inputs, invocations, lines } = contextOf(() => ({ says: 'Sysprep left the image in the state X' }));
  const { outputs } = await runSysPrep.run(inputs, context);
  assert.deepEqual(outputs, {
    runCommandId: 'step-1',
    status: 'Success',
    output: 'Sysprep left the image in the state X',
  });
  assert.deepEqual(lines, ['Sysprep left the image in the state X']);
  assert.match(invocations[0]?.script ?? '', /EC2Launch\.exe/);
});

test('a Sysprep that failed on a simulated Windows fails the build with what its log said last', async () => {
  const { context, inputs } = contextOf(() => ({
    code: 1,
    stderr: 'Sysprep left the image in the state Y: package X\r\n',
  }));
  await assert.rejects(
    runSysPrep.run(inputs, context),
    (error) => error instanceof BuildFailure && /^Sysprep failed: .*package X$/.test(error.message),
  );
});
