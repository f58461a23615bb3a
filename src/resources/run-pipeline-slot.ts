/** The execution of a slot that has come: an image, or a line in the pipeline's log that says why there is none. */
import type { Schedule as AwsSchedule } from '@aws-sdk/client-imagebuilder';
import type { Transaction } from 'kysely';
import { AwsError } from '../contract/errors.ts';
import { writePipelineLog } from '../state/pipeline-log.ts';
import type { Database } from '../state/tables.ts';
import { countPipelineRun } from '../state/transitions/count-pipeline-run.ts';
import type { Definition } from './definitions.ts';
import { type Dependencies, resolveDependencies, updatesSince } from './pipeline-dependencies.ts';
import type { Service } from './service.ts';
import { findVisible } from './sharing.ts';
import { loggedPipeline, type PipelineRequest, startPipeline } from './start-pipeline.ts';

/** What became of a slot; `nothing` when somebody else has it, or the pipeline was updated or deleted meanwhile. */
export type SlotOutcome = 'started' | 'skipped' | 'refused' | 'delayed' | 'nothing';

/** How long an execution waits that could not be started for now. */
const PATIENCE_MS = 60_000;

/** Errors that pass by themselves: the slot waits. */
const FOR_NOW = ['ServiceQuotaExceededException', 'TooManyRequestsException', 'CallRateLimitExceededException'];

/** Runs the due slot of a pipeline, at most once. Throws what is no refusal, e.g. that the database is away. */
export async function runPipelineSlot(service: Service, pipelineArn: string): Promise<SlotOutcome> {
  try {
    return await service.db.transaction().execute((trx) => runSlot(service, trx, pipelineArn));
  } catch (error) {
    if (!(error instanceof AwsError) || error.httpStatus >= 500) throw error;
    const delayed = FOR_NOW.includes(error.name);
    return await service.db.transaction().execute((trx) => giveUp(service, trx, pipelineArn, error, delayed));
  }
}

async function runSlot(service: Service, trx: Transaction<Database>, pipelineArn: string): Promise<SlotOutcome> {
  const due = await takeSlot(service, trx, pipelineArn);
  if (due === undefined) return 'nothing';
  const { pipeline, slot } = due;
  const now = service.clock.now();
  const own = { ...service, accountId: pipeline.account_id };
  const because = await reasonToBuild(own, trx, pipeline);
  if (because.skip !== undefined) {
    await writePipelineLog(
      trx,
      loggedPipeline(pipeline),
      `Execution of ${slot.toISOString()} skipped: ${because.skip}`,
      now,
    );
    return 'skipped';
  }
  const late = now.getTime() - slot.getTime() >= PATIENCE_MS ? ', late' : '';
  const reason = `the schedule matched ${slot.toISOString()}${late}${because.start}`;
  await startPipeline(own, trx, pipeline, { buildType: 'SCHEDULED', because: reason, slot });
  return 'started';
}

interface DueSlot {
  readonly pipeline: Definition;
  readonly slot: Date;
  /** Whether it waits already, and its pipeline's log says so. */
  readonly waits: boolean;
}

/** Takes the due slot from the row; undefined when there is none to be taken. */
async function takeSlot(
  service: Service,
  trx: Transaction<Database>,
  pipelineArn: string,
): Promise<DueSlot | undefined> {
  // First the pipeline, then its schedule: as whoever updates it.
  const pipeline = await trx
    .selectFrom('resources')
    .selectAll()
    .where('arn', '=', pipelineArn)
    .forKeyShare()
    .executeTakeFirst();
  const row = await trx
    .selectFrom('pipeline_schedules')
    .select(['due_slot', 'not_before', 'looked_at'])
    .where('pipeline_arn', '=', pipelineArn)
    .where('not_before', '<=', service.clock.now())
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  if (pipeline === undefined || row === undefined || row.due_slot === null) return undefined;
  await trx
    .updateTable('pipeline_schedules')
    .set({ due_slot: null, not_before: null })
    .where('pipeline_arn', '=', pipelineArn)
    .execute();
  const ran = await trx
    .selectFrom('images')
    .select('arn')
    .where('source_pipeline_arn', '=', pipelineArn)
    .where('schedule_slot', '=', row.due_slot)
    .executeTakeFirst();
  // Of a pipeline of the same name before, or of a time that comes a second time because the clock was put back.
  if (ran !== undefined) return undefined;
  return { pipeline, slot: row.due_slot, waits: row.not_before !== null && row.not_before > row.looked_at };
}

type Reason = { readonly skip: string } | { readonly skip?: undefined; readonly start: string };

async function reasonToBuild(service: Service, trx: Transaction<Database>, pipeline: Definition): Promise<Reason> {
  const last = await trx
    .selectFrom('images')
    .select(['arn', 'status', 'dependencies'])
    .where('source_pipeline_arn', '=', pipeline.arn)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (last?.status === 'DISABLED') return { skip: `its last image ${last.arn} is DISABLED` };
  const request = pipeline.document as unknown as PipelineRequest & { schedule?: AwsSchedule };
  if (request.schedule?.pipelineExecutionStartCondition === 'EXPRESSION_MATCH_ONLY') return { start: '' };
  if (last === undefined) return { start: ' and it has no image yet' };
  const recipe = await findVisible(service, trx, 'image-recipe', request.imageRecipeArn ?? '', 'imageRecipeArn');
  const now: Dependencies = await resolveDependencies(service, trx, recipe);
  const updates = updatesSince(last.dependencies ?? {}, now);
  if (updates.length === 0) return { skip: `no dependency updates since ${last.arn}` };
  return { start: ` and dependencies changed since ${last.arn}: ${updates.join(', ')}` };
}

/** A refusal is said in the pipeline's log. It waits when it may pass, and else counts as a failed execution. */
async function giveUp(
  service: Service,
  trx: Transaction<Database>,
  pipelineArn: string,
  error: AwsError,
  delayed: boolean,
): Promise<SlotOutcome> {
  const due = await takeSlot(service, trx, pipelineArn);
  if (due === undefined) return 'nothing';
  const { pipeline, slot } = due;
  const now = service.clock.now();
  if (delayed) {
    await trx
      .updateTable('pipeline_schedules')
      .set({ due_slot: slot, not_before: new Date(now.getTime() + PATIENCE_MS) })
      .where('pipeline_arn', '=', pipelineArn)
      .execute();
  } else {
    await countPipelineRun(trx, { pipelineArn, outcome: 'FAILED', scheduled: true, at: now });
  }
  if (due.waits && delayed) return 'delayed';
  const what = delayed ? 'waits' : 'could not be started';
  const message = `Execution of ${slot.toISOString()} ${what}: ${error.name}: ${error.message}`;
  await writePipelineLog(trx, loggedPipeline(pipeline), message, now);
  return delayed ? 'delayed' : 'refused';
}
