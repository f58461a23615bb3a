import type { Monitor } from '../util/monitor.ts';

export interface ExecutionRequest {
  readonly stateMachineArn: string;
  /** JSON. */
  readonly input: string;
  /** Unique: the same name is the same execution, also when that has ended. */
  readonly name: string;
}

export interface ExecutionResult {
  readonly executionArn: string;
  /** JSON. */
  readonly output: string;
}

/** State machines that workflows start, as AWS Step Functions has them. */
export interface StateMachines {
  /**
   * Runs an execution to its end, or follows the one of this name that is there. Rejects with a BuildFailure when there is
   * no such state machine or the execution did not succeed, and with the signal's reason after an abort; then the execution
   * is stopped.
   */
  execute(
    request: ExecutionRequest,
    context: { readonly signal: AbortSignal; readonly monitor: Monitor },
  ): Promise<ExecutionResult>;
  /** Whether executions run on without the process that asked for them, and `execute` finds them by their names. */
  outliveCaller(stateMachineArn: string): Promise<boolean>;
}
