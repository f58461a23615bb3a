import type { Kysely } from 'kysely';
import type { Database } from './tables.ts';

/** The instances that a failed build left on purpose: launched, and skipped when the build was rolled back. */
export async function keptInstances(db: Kysely<Database>, imageArn: string): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('workflow_step_executions')
    .select('outputs')
    .where('image_arn', '=', imageArn)
    .where('action', '=', 'LaunchInstance')
    .where('status', '=', 'COMPLETED')
    .where('rollback_status', '=', 'SKIPPED')
    .execute();
  return rows.flatMap(({ outputs }) => {
    const instanceId = outputs?.['instanceId'];
    return typeof instanceId === 'string' ? [instanceId] : [];
  });
}
