import type { Kysely } from 'kysely';
import { writeImageEvent } from '../events.ts';
import type { Database } from '../tables.ts';

/** What became of an AMI: undefined when it was removed, or why it could not be. */
export interface RemovedAmi {
  readonly amiId: string;
  readonly failure: string | undefined;
}

/**
 * Ends a lifecycle execution that removed AMIs. When all of them are gone the image names none any more; when some are
 * not, the execution has FAILED and the image is again in the state that it had. Does nothing when it has ended already.
 */
export async function finishStateUpdate(
  db: Kysely<Database>,
  { id, amis, at }: { readonly id: string; readonly amis: readonly RemovedAmi[]; readonly at: Date },
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const execution = await trx
      .selectFrom('lifecycle_executions')
      .selectAll()
      .where('id', '=', id)
      .where('status', '=', 'IN_PROGRESS')
      .forUpdate()
      .executeTakeFirst();
    if (execution === undefined) return;
    for (const { amiId, failure } of amis) {
      await trx
        .updateTable('lifecycle_execution_resources')
        .set({ status: failure === undefined ? 'SUCCESS' : 'FAILED', reason: failure ?? null, ended_at: at })
        .where('lifecycle_execution_id', '=', id)
        .where('ami_id', '=', amiId)
        .execute();
    }
    const failures = amis.flatMap(({ failure }) => failure ?? []);
    const failed = failures.length > 0;
    await trx
      .updateTable('lifecycle_executions')
      .set({ status: failed ? 'FAILED' : 'SUCCESS', reason: failed ? failures.join(' ') : null, ended_at: at })
      .where('id', '=', id)
      .execute();
    const image = trx.updateTable('images').where('arn', '=', execution.image_arn);
    if (failed) {
      await image.set({ status: execution.previous_status }).execute();
      await writeImageEvent(trx, execution.image_arn, { status: execution.previous_status }, at);
    } else {
      await image.set({ output_resources: JSON.stringify({ amis: [] }) }).execute();
    }
  });
}
