import type { Transaction } from 'kysely';
import { writeImageEvent } from '../events.ts';
import type { ImageRow } from '../find-resource.ts';
import type { Database, ImageStatus, LifecycleAction } from '../tables.ts';

export interface StateUpdate {
  /** `lce-<uuid>` */
  readonly id: string;
  /** Locked by the caller, in a state from which this change may be made. */
  readonly image: ImageRow;
  readonly status: Extract<ImageStatus, 'AVAILABLE' | 'DEPRECATED' | 'DISABLED' | 'DELETED'>;
  /** AMIs that are to go with the image. */
  readonly amiIds: readonly string[];
  readonly at: Date;
}

const ACTIONS = {
  AVAILABLE: 'AVAILABLE',
  DEPRECATED: 'DEPRECATE',
  DISABLED: 'DISABLE',
  DELETED: 'DELETE',
} as const satisfies Record<StateUpdate['status'], LifecycleAction>;

/**
 * Changes the state of an image whose build has ended, and writes the lifecycle execution that does it. Without AMIs the
 * execution has ended with that; with AMIs it is IN_PROGRESS until finish-state-update.ts, which also takes the change
 * back when they could not be removed.
 */
export async function beginStateUpdate(trx: Transaction<Database>, update: StateUpdate): Promise<void> {
  const { id, image, status, amiIds, at } = update;
  const isDone = amiIds.length === 0;
  await trx
    .insertInto('lifecycle_executions')
    .values({
      id,
      account_id: image.account_id,
      region: image.region,
      image_arn: image.arn,
      status: isDone ? 'SUCCESS' : 'IN_PROGRESS',
      reason: null,
      action: ACTIONS[status],
      previous_status: image.status,
      started_at: at,
      ended_at: isDone ? at : null,
    })
    .execute();
  for (const [position, amiId] of amiIds.entries()) {
    await trx
      .insertInto('lifecycle_execution_resources')
      .values({
        lifecycle_execution_id: id,
        position,
        ami_id: amiId,
        status: 'IN_PROGRESS',
        reason: null,
        ended_at: null,
      })
      .execute();
  }
  await trx
    .updateTable('images')
    .set({
      status,
      deprecation_time: status === 'DEPRECATED' ? (image.deprecation_time ?? at) : null,
      lifecycle_execution_id: id,
    })
    .where('arn', '=', image.arn)
    .execute();
  if (status !== image.status) await writeImageEvent(trx, image.arn, { status }, at);
}
