import type { Store } from '../../src/state/open-store.ts';
import { answerStep } from '../../src/state/transitions/answer-step.ts';
import { tolerant } from './tolerant.ts';

/** Somebody who answers steps that wait as their names say (insert-build.ts), until disposed of. */
export function startOperator({ db, jobs }: Store): AsyncDisposable {
  const leaving = new AbortController();
  const answerAll = async (): Promise<void> => {
    const waits = await db
      .selectFrom('waiting_steps as wait')
      .innerJoin('workflow_step_executions as step', 'step.id', 'wait.step_execution_id')
      .select(['step.id', 'step.name', 'step.image_arn', 'step.attempt_number'])
      .where('wait.action', 'is', null)
      .where('step.status', '=', 'RUNNING')
      .execute();
    for (const { id: stepExecutionId, name, image_arn: imageArn, attempt_number: attempt } of waits) {
      const stops = name.endsWith('STOP') || (name.endsWith('LATER') && attempt === 1);
      const action = stops ? 'STOP' : 'RESUME';
      await answerStep(db, { stepExecutionId, imageArn, action, reason: undefined, at: new Date() }, jobs);
    }
  };
  const working = (async () => {
    while (!leaving.signal.aborted) {
      await tolerant(answerAll);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  return {
    [Symbol.asyncDispose]: async () => {
      leaving.abort();
      await working;
    },
  };
}
