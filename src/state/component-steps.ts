import type { Kysely } from 'kysely';
import type { Database } from './tables.ts';

/** The document steps that an ExecuteComponents step has begun, in their order. */
export function readComponentSteps(db: Kysely<Database>, stepExecutionId: string) {
  return db
    .selectFrom('component_steps')
    .select(['document', 'phase', 'step', 'finished'])
    .where('step_execution_id', '=', stepExecutionId)
    .orderBy('seq')
    .execute();
}
