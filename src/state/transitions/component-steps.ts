import { type Kysely, sql } from 'kysely';
import type { Database } from '../tables.ts';
import { changeAtOnce } from './change-at-once.ts';
import type { ImageClaim } from './claim.ts';

/** A step of a component document within an ExecuteComponents step. */
export interface ComponentStepPlace {
  readonly stepExecutionId: string;
  /** Index among the documents. */
  readonly document: number;
  readonly phase: string;
  readonly step: string;
}

/** Before a document step runs. Throws ClaimLostError: then it must not run. */
export async function beginComponentStep(
  db: Kysely<Database>,
  claim: ImageClaim,
  { stepExecutionId, document, phase, step }: ComponentStepPlace,
): Promise<void> {
  const begun = sql`changed as (
    insert into component_steps (step_execution_id, document, phase, step)
    select ${stepExecutionId}, ${document}::integer, ${phase}, ${step} from claimed
    on conflict (step_execution_id, document, phase, step) do update set finished = null
    returning seq
  )`;
  await changeAtOnce(db, claim, begun);
}

/** A document step has ended, in whatever way. Throws ClaimLostError. */
export async function finishComponentStep(
  db: Kysely<Database>,
  claim: ImageClaim,
  { stepExecutionId, document, phase, step }: ComponentStepPlace,
  finished: Readonly<Record<string, unknown>>,
): Promise<void> {
  const ended = sql`changed as (
    update component_steps set finished = ${JSON.stringify(finished)}::jsonb from claimed
    where step_execution_id = ${stepExecutionId} and document = ${document} and phase = ${phase} and step = ${step}
    returning seq
  )`;
  await changeAtOnce(db, claim, ended);
}
