import type { Kysely } from 'kysely';
import type { BuildJobs } from '../build-jobs.ts';
import { checkpointsOnRecord } from '../checkpoints-on-record.ts';
import { writeImageEvent } from '../events.ts';
import type { ImageRow } from '../find-resource.ts';
import { STAGES, type Stage } from '../image-states.ts';
import { AT_ONCE } from '../parked.ts';
import type { Database } from '../tables.ts';
import { inTransaction, lockImage } from './claim.ts';
import { retryBuildStep } from './retry-build-step.ts';

/** The phases that a build can go back to: what comes before them is done and stays. */
const RETRIED = ['TESTING', 'DISTRIBUTING'] as const;
/** Kiln's own: a build goes on at the step that failed on the instance that was kept, or begins anew at a checkpoint. */
type RetriedStage = (typeof RETRIED)[number] | 'BUILDING';

export interface RetryRequest {
  readonly imageArn: string;
  readonly jobs: Pick<BuildJobs, 'enqueue'>;
  readonly at: Date;
  /** Whether one of these checkpoints, which the build went through, is still there for it. Default: none is. */
  readonly hasCheckpoint?: (keys: readonly string[]) => Promise<boolean>;
}

export type RetryAnswer =
  | { readonly kind: 'retried'; readonly stage: RetriedStage }
  | { readonly kind: 'not-found' }
  /** It is in this status, which is not FAILED or CANCELLED. */
  | { readonly kind: 'not-ended'; readonly status: string }
  /** Its build ended in this stage, which cannot be begun anew. */
  | { readonly kind: 'too-early'; readonly stage: Stage };

/**
 * FAILED, CANCELLED → TESTING or DISTRIBUTING: the build goes back to the phase in which it ended. The workflows of that
 * phase are marked as retried and run again; those before it are done. FAILED → BUILDING: on the instance that was kept
 * (retry-build-step.ts), or with the build workflow run again when `hasCheckpoint` says that it need not begin from nothing.
 */
export function retryImage(db: Kysely<Database>, request: RetryRequest): Promise<RetryAnswer> {
  const { imageArn, jobs, at } = request;
  return inTransaction(db, async (trx) => {
    const image = await lockImage(trx, imageArn);
    if (image === undefined) return { kind: 'not-found' };
    if (image.status !== 'FAILED' && image.status !== 'CANCELLED') return { kind: 'not-ended', status: image.status };
    const last = await lastStage(trx, imageArn);
    const stage = await goBack(trx, image, last, request);
    if (stage === undefined) return { kind: 'too-early', stage: last };
    await trx
      .updateTable('images')
      .set({
        ...{ status: stage, reason: null, failure_context: null, ended_at: null, cancel_requested_at: null },
        ...{ parked_until: AT_ONCE, worker_id: null, epoch: image.epoch + 1 },
      })
      .where('arn', '=', imageArn)
      .execute();
    await writeImageEvent(trx, imageArn, { status: stage }, at);
    await jobs.enqueue(trx, imageArn);
    return { kind: 'retried', stage };
  });
}

/** Makes the workflows ready that are to run again. Gives the stage that they are of; undefined when there is none. */
async function goBack(
  trx: Kysely<Database>,
  { arn, status }: Pick<ImageRow, 'arn' | 'status'>,
  last: Stage,
  { hasCheckpoint = async () => false }: RetryRequest,
): Promise<RetriedStage | undefined> {
  if (last === 'BUILDING') {
    if (status !== 'FAILED') return undefined;
    if (await retryBuildStep(trx, arn)) return last;
    if (!(await hasCheckpoint(await checkpointsOnRecord(trx, arn)))) return undefined;
    await trx.updateTable('workflow_executions').set({ retried: true }).where('image_arn', '=', arn).execute();
    return last;
  }
  const stage = last === 'INTEGRATING' ? 'DISTRIBUTING' : RETRIED.find((candidate) => candidate === last);
  if (stage === undefined) return undefined;
  await trx
    .updateTable('workflow_executions')
    .set({ retried: true })
    .where('image_arn', '=', arn)
    .where('type', 'in', stage === 'TESTING' ? ['TEST', 'DISTRIBUTION'] : ['DISTRIBUTION'])
    .execute();
  return stage;
}

/** The last stage that the image was in. */
async function lastStage(trx: Kysely<Database>, imageArn: string): Promise<Stage> {
  const events = await trx
    .selectFrom('events')
    .select('detail')
    .where('image_arn', '=', imageArn)
    .where('type', '=', 'image')
    .orderBy('id', 'desc')
    .execute();
  const statuses = events.map(({ detail }) => detail['status']);
  return (
    STAGES.find((stage) => stage === statuses.find((status) => STAGES.some((known) => known === status))) ?? 'PENDING'
  );
}
