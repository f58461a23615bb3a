import { AwsError } from '../contract/errors.ts';
import { TargetLostError } from '../toe/target.ts';
import { BuilderFault, BuildFailure } from '../util/faults.ts';
import { InvalidDocumentError } from '../util/problem.ts';
import { DistributionFailed, type RegionFailure } from './distribution/region-failure.ts';
import { clip, oneLine, plainText } from './plain-text.ts';
import { ComponentFailure } from './steps/step-action.ts';

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

/** Longest `reason` of an image, and longest `message` of a step (API Reference). */
const MAX_REASON = 1024;
const MAX_ERROR_MESSAGE = 1024;
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
  if (!(error instanceof WorkflowFailed)) {
    return { reason, context: distributionContext(error instanceof DistributionFailed ? error.failure : undefined) };
  }
  const { workflowExecutionId, workflowArn, stepExecutionId, step, cause } = error;
  const distribution = cause instanceof DistributionFailed ? cause.failure : undefined;
  const place = cause instanceof ComponentFailure ? cause.place : undefined;
  return {
    reason,
    context: {
      workflowExecutionId,
      workflowArn,
      stepExecutionId,
      failedStep: step.name,
      ...distributionContext(distribution),
      ...(place === undefined
        ? {}
        : {
            componentFailure: {
              componentArn: place.documentId,
              phaseName: place.phase,
              stepName: place.step,
              action: place.action,
              errorMessage: clip(plainText(place.errorMessage), MAX_ERROR_MESSAGE),
            },
          }),
    },
  };
}

function distributionContext(failure: RegionFailure | undefined): Readonly<Record<string, unknown>> {
  if (failure === undefined) return {};
  const errorMessage = clip(plainText(failure.errorMessage), MAX_ERROR_MESSAGE);
  return { distributionFailure: { errorMessage, regionFailures: [{ ...failure, errorMessage }] } };
}

/** Whether somebody foresaw this error; all others are defects of Kiln and go to its own log. */
export function isForeseen(error: Error): boolean {
  return (
    error instanceof BuildFailure ||
    error instanceof BuilderFault ||
    error instanceof InvalidDocumentError ||
    error instanceof TargetLostError ||
    error instanceof AwsError
  );
}

/** What a person should read about an error; may have several lines. */
export function failureText(error: Error): string {
  if (!isForeseen(error)) return "Kiln had an internal error; the service's own log has the details";
  const hint = error instanceof BuildFailure || error instanceof BuilderFault ? error.hint : undefined;
  const text = hint === undefined ? error.message : `${error.message}. ${hint}`;
  return plainText(text);
}

function reasonOf(error: Error): string {
  if (!(error instanceof WorkflowFailed)) return oneLine(failureText(error));
  const { workflowExecutionId, step, cause } = error;
  const what = cause instanceof ComponentFailure ? cause.awsMessage : `Step ${step.name} (${step.action}) failed:`;
  return `Workflow Execution ID: '${workflowExecutionId}' failed with reason: ${what} ${oneLine(failureText(cause))}`;
}
