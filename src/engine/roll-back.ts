import { type ReferenceScope, resolveReference } from '../documents/workflow-references.ts';
import { setRollbackStatus } from '../state/transitions/set-rollback-status.ts';
import type { BuildRun } from './build-run.ts';
import type { StepExecution } from './run-step.ts';
import { STEP_ACTIONS } from './steps/step-actions.ts';

/**
 * Takes back what the steps of a failed workflow made, the last one first. A rollback that fails is logged and does not
 * keep the others from being done: the end of the build tries once more.
 *
 * @param executions All steps up to the failed one, in the order of the document.
 * @returns How the workflow ends.
 */
export async function rollBack(
  run: BuildRun,
  executions: readonly StepExecution[],
  scope: ReferenceScope,
): Promise<'ROLLBACK_COMPLETED' | 'FAILED'> {
  const { engine, claim } = run;
  let rolledBack = false;
  let whole = true;
  for (const { id: stepExecutionId, step } of executions.toReversed()) {
    const outputs = scope.stepOutputs[step.name];
    const action = STEP_ACTIONS[step.action];
    const wanted = step.rollbackEnabled;
    const rollbackEnabled = typeof wanted === 'boolean' ? wanted : resolveReference(wanted, scope) === true;
    const monitor = run.monitorFor(step.name);
    let rollbackStatus: 'COMPLETED' | 'SKIPPED' | 'FAILED' = 'SKIPPED';
    if (outputs !== undefined && action.rollback !== undefined) {
      await setRollbackStatus(engine.db, claim, { stepExecutionId, rollbackStatus: 'RUNNING' });
      try {
        rollbackStatus = await action.rollback(outputs, { ...run, monitor, rollbackEnabled });
      } catch (error) {
        rollbackStatus = 'FAILED';
        engine.log.error({ err: error, image: claim.imageArn, step: step.name }, 'rollback failed');
      }
    }
    rolledBack ||= rollbackStatus === 'COMPLETED';
    whole &&= rollbackStatus !== 'FAILED';
    await setRollbackStatus(engine.db, claim, { stepExecutionId, rollbackStatus });
  }
  return rolledBack && whole ? 'ROLLBACK_COMPLETED' : 'FAILED';
}
