/** What a scheduler does again and again: slots that have come become due, and due ones become executions. */

import { parseSchedule } from '../schedule/schedule.ts';
import { createTimeZones } from '../schedule/time-zone.ts';
import { type ClaimSlots, claimSlots } from '../state/transitions/claim-slots.ts';
import { coerceError } from '../util/faults.ts';
import { runPipelineSlot, type SlotOutcome } from './run-pipeline-slot.ts';
import type { Service } from './service.ts';

export interface SchedulesLog {
  error(fields: object, message: string): void;
}

/** Makes the slots due that have come until now; however many servers do so, each comes due once. Gives how many did. */
export function claimDueSlots(service: Service, log: SchedulesLog): Promise<number> {
  return claimSlots(service.db, {
    now: service.clock.now(),
    nextSlot: sharedNextSlot(),
    onError: (row, error) =>
      log.error({ pipeline: row.pipeline_arn, err: coerceError(error) }, 'schedule not understood'),
  });
}

/** Many pipelines have one schedule: what it means after one time is worked out once. */
function sharedNextSlot(): ClaimSlots['nextSlot'] {
  const zones = createTimeZones();
  const known = new Map<string, Date | undefined>();
  return (row, after) => {
    const since = row.expression.startsWith('rate') ? row.since.getTime() : '';
    const key = `${after.getTime()} ${since} ${row.timezone} ${row.expression}`;
    if (!known.has(key)) known.set(key, parseSchedule(row, zones).next(after));
    return known.get(key);
  };
}

const BATCH = 100;
const AT_ONCE = 4;

/** Runs what is due, the oldest first, until nothing is left or `signal` aborts. Gives what became of each. */
export async function runDueSlots(
  service: Service,
  log: SchedulesLog,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, SlotOutcome>> {
  const outcomes = new Map<string, SlotOutcome>();
  // An account that has as many builds as it may is not asked again and again: its further slots wait for the next time.
  const full = new Set<string>();
  const tried = new Set<string>();
  while (!signal.aborted) {
    const due = await service.db
      .selectFrom('pipeline_schedules')
      .innerJoin('resources', 'resources.arn', 'pipeline_schedules.pipeline_arn')
      .select(['pipeline_arn', 'account_id'])
      .where('not_before', '<=', service.clock.now())
      .where(({ eb, val, fn }) => eb.not(eb('account_id', '=', fn.any(val([...full])))))
      .where(({ eb, val, fn }) => eb.not(eb('pipeline_arn', '=', fn.any(val([...tried])))))
      .orderBy('due_slot')
      .orderBy('pipeline_arn')
      .limit(BATCH)
      .execute();
    if (due.length === 0) break;
    const queue = due.values();
    const run = async (): Promise<void> => {
      for (const { pipeline_arn: arn, account_id: account } of queue) {
        if (signal.aborted || full.has(account)) continue;
        const outcome = await runPipelineSlot(service, arn).catch((error: unknown) => {
          log.error({ pipeline: arn, err: coerceError(error) }, 'scheduled execution not started, to be tried again');
          return undefined;
        });
        if (outcome !== undefined) outcomes.set(arn, outcome);
        // Somebody else has it, or it cannot be started now: it stays due for a while.
        if (outcome === undefined || outcome === 'nothing') tried.add(arn);
        if (outcome === 'delayed') full.add(account);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, run));
  }
  return outcomes;
}
