import type { WorkflowStep } from '../documents/workflow.ts';
import type { WorkflowType } from '../documents/workflow-actions.ts';
import { retryStep } from '../state/transitions/retry-step.ts';
import { BuildFailure, coerceError } from '../util/faults.ts';
import type { Monitor } from '../util/monitor.ts';
import type { BuildRun } from './build-run.ts';
import { failureText, isForeseen } from './foreseen.ts';
import { oneLine } from './plain-text.ts';
import { resumeStep } from './resume-step.ts';
import { pause, withTimeout } from './step-timeout.ts';
import type { StepContext, StepInputs, StepResult } from './steps/step-action.ts';
import { STEP_ACTIONS } from './steps/step-actions.ts';

export interface StepExecution {
  readonly id: string;
  readonly step: WorkflowStep;
  readonly workflowArn: string;
  readonly workflowExecutionId: string;
  readonly workflowType: WorkflowType;
  /** Set when somebody else began the step, who is not there any more. */
  readonly begun?: { readonly attempt: number } | undefined;
}

/** Lines that the message of a step that timed out ends with. */
const TAIL_LINES = 10;

/**
 * Runs the action of a step, again when it may be tried again. Rejects with what its last attempt failed with, with a
 * BuildFailure when that took longer than its timeout, with the signal's reason after an abort, and with BuildParked when
 * it waits for somebody.
 */
export async function runStep(
  run: BuildRun,
  execution: StepExecution,
  inputs: StepInputs,
  signal: AbortSignal,
): Promise<StepResult> {
  const { step } = execution;
  const monitor = run.monitorFor(step.name);
  const first = execution.begun?.attempt ?? 1;
  for (let attempt = first; ; attempt++) {
    try {
      const resumes = execution.begun !== undefined && attempt === first;
      return await runAttempt(run, execution, inputs, { monitor, attempt, resumes }, signal);
    } catch (thrown) {
      const error = coerceError(thrown);
      if (signal.aborted || attempt >= step.maxAttempts || !isForeseen(error)) throw error;
      const next = `attempt ${attempt + 1} of ${step.maxAttempts} in ${step.backoffSeconds} s`;
      monitor.line('kiln', `${oneLine(failureText(error))}; ${next}`);
      await pause(step.backoffSeconds, signal);
      const at = run.engine.clock.now();
      await retryStep(run.engine.db, run.claim, { stepExecutionId: execution.id, attemptNumber: attempt + 1, at });
    }
  }
}

async function runAttempt(
  run: BuildRun,
  { id, step, workflowArn, workflowExecutionId, workflowType }: StepExecution,
  inputs: StepInputs,
  { monitor, attempt, resumes }: { readonly monitor: Monitor; readonly attempt: number; readonly resumes: boolean },
  outer: AbortSignal,
): Promise<StepResult> {
  const tail = tailOf(monitor);
  const timedOut = (): Error =>
    new BuildFailure([`timed out after ${step.timeoutSeconds} s`, ...tail.lines].join('\n'), { kind: 'timeout' });
  return withTimeout(step.timeoutSeconds, outer, timedOut, async (signal) => {
    if (!resumes) await pause(step.waitSeconds, signal);
    const context: StepContext = {
      ...run,
      workflowType,
      workflowArn,
      workflowExecutionId,
      stepName: step.name,
      stepExecutionId: id,
      attempt,
      timeoutSeconds: step.timeoutSeconds - step.waitSeconds,
      signal,
      monitor: tail,
    };
    return resumes ? resumeStep(step.action, inputs, context) : STEP_ACTIONS[step.action].run(inputs, context);
  });
}

/** A monitor that also remembers its last lines: they say what a step was at when its time was up. */
function tailOf(monitor: Monitor): Monitor & { readonly lines: readonly string[] } {
  const lines: string[] = [];
  return {
    lines,
    line: (source, text) => {
      lines.push(text);
      if (lines.length > TAIL_LINES) lines.shift();
      monitor.line(source, text);
    },
  };
}
