import { type Kysely, type Selectable, sql } from 'kysely';
import type { Database, PipelineSchedulesTable } from '../tables.ts';

export type PipelineScheduleRow = Selectable<PipelineSchedulesTable>;

export interface ClaimSlots {
  readonly now: Date;
  /** The first slot of a schedule after a time; undefined when there is none any more. */
  readonly nextSlot: (row: PipelineScheduleRow, after: Date) => Date | undefined;
  /** Told of a schedule whose next slot cannot be worked out. It has none until its pipeline is updated. */
  readonly onError: (row: PipelineScheduleRow, error: unknown) => void;
}

const BATCH = 2_000;

/** A clock that was put back further than this made slots wait for times that will come again. */
const CLOCK_TOLERANCE = `interval '5 minutes'`;

/**
 * Makes slots that have come due, each once however many servers try, and works out the next ones. Slots that were
 * missed while nobody looked are one execution, as are those that come while the one before has not been started yet.
 * Schedules that were looked at in what is the future now are worked out anew. Gives how many came due.
 */
export async function claimSlots(db: Kysely<Database>, claim: ClaimSlots): Promise<number> {
  await forgetFuture(db, claim);
  let count = 0;
  for (let batch = BATCH; batch === BATCH; count += batch) batch = await claimBatch(db, claim);
  return count;
}

function claimBatch(db: Kysely<Database>, claim: ClaimSlots): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const rows = await trx
      .selectFrom('pipeline_schedules')
      .selectAll()
      .where('next_slot', '<=', claim.now)
      .orderBy('next_slot')
      .limit(BATCH)
      .forUpdate()
      .skipLocked()
      .execute();
    await setNextSlots(trx, rows, claim, sql`coalesce(due_slot, next_slot)`, sql`coalesce(not_before, ${claim.now})`);
    return rows.length;
  });
}

async function forgetFuture(db: Kysely<Database>, claim: ClaimSlots): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const rows = await trx
      .selectFrom('pipeline_schedules')
      .selectAll()
      .where(sql<boolean>`looked_at > ${claim.now}::timestamptz + ${sql.raw(CLOCK_TOLERANCE)}`)
      .where((row) => row.or([row('next_slot', 'is not', null), row('due_slot', 'is not', null)]))
      .forUpdate()
      .skipLocked()
      .execute();
    const notBefore = sql`case when due_slot is null then null else ${claim.now}::timestamptz end`;
    await setNextSlots(trx, rows, claim, sql`due_slot`, notBefore);
  });
}

/** One statement for all of them: thousands of pipelines may be for the same minute. */
async function setNextSlots(
  trx: Kysely<Database>,
  rows: readonly PipelineScheduleRow[],
  claim: ClaimSlots,
  dueSlot: ReturnType<typeof sql>,
  notBefore: ReturnType<typeof sql>,
): Promise<void> {
  if (rows.length === 0) return;
  const slots = rows.map((row) => slotOf(row, claim));
  await sql`
    update pipeline_schedules schedule
    set due_slot = ${dueSlot}, not_before = ${notBefore}, next_slot = slot.next, looked_at = ${claim.now}
    from unnest(${rows.map((row) => row.pipeline_arn)}::text[], ${slots}::timestamptz[]) as slot (arn, next)
    where schedule.pipeline_arn = slot.arn`.execute(trx);
}

function slotOf(row: PipelineScheduleRow, claim: ClaimSlots): Date | null {
  try {
    return claim.nextSlot(row, claim.now) ?? null;
  } catch (error) {
    claim.onError(row, error);
    return null;
  }
}
