import { BuildFailure } from '../util/faults.ts';
import { failureOnRecord } from './failure-cause/failure-on-record.ts';
import { failureText } from './foreseen.ts';
import { clip, oneLine } from './plain-text.ts';

/** A workflow of the build failed: which one, at which step, why. */
export class WorkflowFailed extends BuildFailure {
  readonly workflowExecutionId: string;
  readonly workflowArn: string;
  readonly stepExecutionId: string;
  readonly step: { readonly name: string; readonly action: string };
  override readonly cause: Error;

  constructor(
    cause: Error,
    at: Pick<WorkflowFailed, 'workflowExecutionId' | 'workflowArn' | 'stepExecutionId' | 'step'>,
  ) {
    super(`Step ${at.step.name} failed: ${failureText(cause)}`);
    this.cause = cause;
    this.workflowExecutionId = at.workflowExecutionId;
    this.workflowArn = at.workflowArn;
    this.stepExecutionId = at.stepExecutionId;
    this.step = at.step;
  }
}

/** The build is to end because somebody asked for it; the reason of every abort of a build. */
export class BuildCancelled extends Error {
  override readonly name = 'BuildCancelled';
}

/**
 * A step waits for somebody's decision, which may take days. No failure: the build is put aside and goes on from its
 * records when the decision is there.
 */
export class BuildParked extends Error {
  override readonly name = 'BuildParked';

  constructor(stepName: string) {
    super(`Step ${stepName} waits for an action`);
  }
}

/** Longest `reason` of an image (API Reference). */
const MAX_REASON = 1024;
const SEPARATOR = ' | ';

export interface FailureRecord {
  /** One line for the image's state: AWS's words first, then the cause. */
  readonly reason: string;
  /**
   * AWS's FailureContext without `imageStatus`, which is recorded with it. Source: User Guide, "Find the cause of a
   * failed image build with failure context".
   */
  readonly context: Readonly<Record<string, unknown>>;
}

/** What is recorded of a failed build. `remark` is appended to the reason whole: what was kept and how to go on. */
export function describeBuildFailure(error: Error, remark = ''): FailureRecord {
  const room = MAX_REASON - (remark === '' ? 0 : remark.length + SEPARATOR.length);
  const reason = [clip(reasonOf(error), room), remark].filter((part) => part !== '').join(SEPARATOR);
  if (!(error instanceof WorkflowFailed)) return { reason, context: { ...failureOnRecord(error).context } };
  const { workflowExecutionId, workflowArn, stepExecutionId, step, cause } = error;
  const { context } = failureOnRecord(cause);
  return { reason, context: { workflowExecutionId, workflowArn, stepExecutionId, failedStep: step.name, ...context } };
}

function reasonOf(error: Error): string {
  if (!(error instanceof WorkflowFailed)) return oneLine(failureText(error));
  const { workflowExecutionId, step, cause } = error;
  const { text, awsMessage } = failureOnRecord(cause);
  const what = awsMessage ?? `Step ${step.name} (${step.action}) failed:`;
  return `Workflow Execution ID: '${workflowExecutionId}' failed with reason: ${what} ${text}`;
}
