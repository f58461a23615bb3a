import type { WorkflowValue } from '../../documents/workflow.ts';
import type { ActionDefinition, WorkflowType } from '../../documents/workflow-actions.ts';
import type { DocumentSeconds } from '../../state/step-history.ts';
import type { StepFailure } from '../../toe/run-documents.types.ts';
import { BuildFailure, type FailureKind } from '../../util/faults.ts';
import type { Monitor } from '../../util/monitor.ts';
import type { BuildRun, LaunchedInstance } from '../build-run.ts';
import type { StepRow } from '../execution-records.ts';

export type StepInputs = Readonly<Record<string, WorkflowValue>>;

/**
 * What a workflow step does. `definition` is checked before `run`: inputs are known, complete and of their type.
 *
 * `run` rejects with a BuildFailure or BuilderFault when it failed and with the signal's reason after an abort. What it
 * made stays on record in {@link BuildProgress}, so that it can be released whatever happens.
 */
export interface StepAction {
  readonly definition: ActionDefinition;
  /** Says why the step is to be skipped, when the plan leaves it nothing to do. */
  nothingToDo?(context: Pick<StepContext, 'plan' | 'workflowType'>): string | undefined;
  run(inputs: StepInputs, context: StepContext): Promise<StepResult>;
  /**
   * Goes on with an attempt that somebody began who is not there any more (a build that was parked, a worker that was
   * lost), with the inputs that `run` was called with. Rejects as `run` does.
   */
  resume?(inputs: StepInputs, context: StepContext): Promise<StepResult>;
  /**
   * Why an attempt cannot be gone on with whose worker was lost; its workflow then begins anew. Left out: it always can. An
   * action without {@link StepAction.resume} never can.
   */
  whyNotResumable?(step: StepRow, context: ResumeContext): Promise<string | undefined>;
  /**
   * Takes the effect of a step back that had ended with these outputs, because a later step failed. Only actions whose
   * effect would outlive the build have it. `SKIPPED`: there was nothing to take back, or it is to stay.
   */
  rollback?(outputs: StepInputs, context: RollbackContext): Promise<'COMPLETED' | 'SKIPPED'>;
}

/** What is known before a build goes on. */
export interface ResumeContext extends Pick<BuildRun, 'engine' | 'claim' | 'plan'> {
  readonly workflowType: WorkflowType;
  readonly signal: AbortSignal;
}

export interface RollbackContext extends BuildRun {
  readonly monitor: Monitor;
  /** False: the document says that the effect of this step is to stay. */
  readonly rollbackEnabled: boolean;
}

export interface StepResult {
  readonly outputs: Readonly<Record<string, WorkflowValue>>;
  readonly message?: string;
  /** How long the document steps took that ended well, by {@link documentStepKey}. */
  readonly documentSeconds?: DocumentSeconds;
}

export interface StepContext extends BuildRun {
  readonly workflowType: WorkflowType;
  readonly workflowArn: string;
  readonly workflowExecutionId: string;
  readonly stepName: string;
  readonly stepExecutionId: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  readonly monitor: Monitor;
}

/** A step failed that has something to say in its outputs all the same. */
export class FailedWithOutputs extends BuildFailure {
  readonly outputs: Readonly<Record<string, WorkflowValue>>;

  constructor(message: string, outputs: Readonly<Record<string, WorkflowValue>>, kind?: FailureKind) {
    super(message, kind === undefined ? {} : { kind });
    this.outputs = outputs;
  }
}

/** A component failed: the step's outputs and the place are kept for the records. */
export class ComponentFailure extends FailedWithOutputs {
  /** Undefined when no single step is to blame. */
  readonly place: StepFailure | undefined;
  /** AWS's own words: `Document <ARN> failed!` */
  readonly awsMessage: string;
  /** Of the document steps before it, as in {@link StepResult}. */
  readonly documentSeconds: DocumentSeconds;

  constructor(
    message: string,
    details: {
      readonly outputs: Readonly<Record<string, WorkflowValue>>;
      readonly place: StepFailure | undefined;
      readonly awsMessage: string;
      readonly documentSeconds?: DocumentSeconds;
    },
  ) {
    super(message, details.outputs);
    this.place = details.place;
    this.awsMessage = details.awsMessage;
    this.documentSeconds = details.documentSeconds ?? {};
  }
}

/** The instance that an input names. Throws a BuildFailure when this build has no such instance. */
export function instanceOf(inputs: StepInputs, context: StepContext): LaunchedInstance {
  const instanceId = textInput(inputs, 'instanceId') ?? '';
  const launched = context.progress.instances.get(instanceId);
  if (launched === undefined) throw new BuildFailure(`This build has no running instance '${instanceId}'`);
  return launched;
}

/** A string input. The definition said that it is one; references are known only when the step runs. */
export function textInput(inputs: StepInputs, name: string): string | undefined {
  const value = inputs[name];
  if (value === undefined || typeof value === 'string') return value;
  throw new BuildFailure(`Input '${name}' must be a string, not ${JSON.stringify(value)}`);
}

export function textListInput(inputs: StepInputs, name: string): readonly string[] | undefined {
  const value = inputs[name];
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new BuildFailure(`Input '${name}' must be a list of strings, not ${JSON.stringify(value)}`);
}

export function mapListInput(inputs: StepInputs, name: string): readonly StepInputs[] | undefined {
  const value = inputs[name];
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((item) => typeof item === 'object' && !Array.isArray(item))) return value;
  throw new BuildFailure(`Input '${name}' must be a list of maps, not ${JSON.stringify(value)}`);
}
