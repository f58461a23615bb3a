import type { Kysely } from 'kysely';
import { findImage } from '../find-resource.ts';
import type { Database, ImageStatus } from '../tables.ts';
import { countPipelineRun } from '../transitions/count-pipeline-run.ts';
import { imageMessage } from './image-message.ts';
import { DETAIL_TYPES, publishEvent } from './publish-event.ts';
import { publishMessage } from './publish-message.ts';

/** Statuses that are told. Source: EC2 Image Builder User Guide, "Amazon EventBridge integration". */
const TOLD: readonly ImageStatus[] = [
  'BUILDING',
  'TESTING',
  'DISTRIBUTING',
  'INTEGRATING',
  'AVAILABLE',
  'CANCELLED',
  'FAILED',
];

export interface StatusChange {
  readonly imageArn: string;
  readonly before: ImageStatus | undefined;
  readonly now: ImageStatus;
  readonly at: Date;
}

/** What follows from a new status of an image for others, in the transaction that set it. */
export async function announceStatus(trx: Kysely<Database>, change: StatusChange): Promise<void> {
  const { imageArn, before, now, at } = change;
  // AVAILABLE again after DEPRECATED is no end of a build, and FAILED again after a retry is one.
  const isStateUpdate = before === 'DEPRECATED' || before === 'DISABLED' || before === 'DELETED';
  if (!TOLD.includes(now) || isStateUpdate) return;
  await publishEvent(trx, {
    detailType: DETAIL_TYPES.imageStateChange,
    resources: [imageArn],
    detail: { ...(before === undefined ? {} : { 'previous-state': { status: before } }), state: { status: now } },
    at,
  });
  if (now !== 'AVAILABLE' && now !== 'FAILED') return;
  const image = await findImage(trx, imageArn);
  if (image === undefined) return;
  const topicArn = image.infrastructure_configuration['snsTopicArn'];
  if (typeof topicArn === 'string') {
    const executions = await trx
      .selectFrom('workflow_executions')
      .select(['id', 'type'])
      .where('image_arn', '=', imageArn)
      .orderBy('position')
      .execute();
    const message = imageMessage(image, executions);
    await publishMessage(trx, { topicArn, about: imageArn, message, at });
  }
  if (image.source_pipeline_arn === null) return;
  await countPipelineRun(trx, {
    pipelineArn: image.source_pipeline_arn,
    outcome: now === 'AVAILABLE' ? 'SUCCEEDED' : 'FAILED',
    scheduled: image.schedule_slot !== null,
    at,
  });
}
