import { readFile } from 'node:fs/promises';
import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import { capture } from '../../toe/capture.ts';
import { BuildFailure } from '../../util/faults.ts';
import { lineSplitter } from '../line-splitter.ts';
import { plainText } from '../plain-text.ts';
import { instanceOf, type StepAction, type StepContext, type StepInputs, type StepResult } from './step-action.ts';

/** What is clean stays clean. */
export const sanitizeInstance: StepAction = { definition: WORKFLOW_ACTIONS.SanitizeInstance, run, resume: run };

const SCRIPT = new URL('./sanitize-instance.sh', import.meta.url);

async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { plan, monitor, signal } = context;
  const { instance } = instanceOf(inputs, context);
  const script = await readFile(SCRIPT, 'utf8');
  // AWS's own user data leaves the marker that asks for the clean-up; a recipe with user data of its own has to leave
  // it itself. Kiln needs no user data, so its absence stands for AWS's own.
  const cleanByDefault = plan.userData === undefined ? 'yes' : 'no';
  const out = lineSplitter((line) => monitor.line('stdout', line));
  const err = lineSplitter((line) => monitor.line('stderr', line));
  const { code, stdout, stderr } = await capture(instance.target, {
    argv: ['sh', '-c', script, 'sanitize-instance', '', plan.workingDirectory, cleanByDefault],
    signal,
    onStdout: out.push,
    onStderr: err.push,
  });
  out.end();
  err.end();
  if (code !== 0) throw new BuildFailure(`The clean-up failed with exit status ${code}\n${stderr.trim()}`);
  const outputs = { runCommandId: context.stepExecutionId, status: 'Success', output: plainText(stdout).trim() };
  return { outputs };
}
