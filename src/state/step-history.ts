import { type Kysely, sql } from 'kysely';
import { findImage } from './find-resource.ts';
import type { Database } from './tables.ts';

export interface StepHistory {
  /** Runs of the step that ended well, of earlier builds of images of the same name. */
  readonly runs: number;
  readonly medianSeconds: number;
  readonly longestSeconds: number;
}

const LOOK_BACK = 20;

/** How long a workflow step took when it ended well, in the last builds of the same image; undefined: it never has. */
export async function stepHistory(
  db: Kysely<Database>,
  { imageArn, stepName, action }: { readonly imageArn: string; readonly stepName: string; readonly action: string },
): Promise<StepHistory | undefined> {
  const image = await findImage(db, imageArn);
  if (image === undefined) return undefined;
  const rows = await db
    .selectFrom('workflow_step_executions as step')
    .innerJoin('images as image', 'image.arn', 'step.image_arn')
    .select(sql<number>`greatest(0, extract(epoch from step.ended_at - step.started_at)::float8)`.as('seconds'))
    .where('image.account_id', '=', image.account_id)
    .where('image.region', '=', image.region)
    .where('image.slug', '=', image.slug)
    .where('image.arn', '!=', imageArn)
    .where('step.name', '=', stepName)
    .where('step.action', '=', action)
    .where('step.status', '=', 'COMPLETED')
    .orderBy('image.seq', 'desc')
    .limit(LOOK_BACK)
    .execute();
  const seconds = rows.map((row) => row.seconds).toSorted((a, b) => a - b);
  const median = seconds[Math.floor(seconds.length / 2)];
  const longest = seconds.at(-1);
  if (median === undefined || longest === undefined) return undefined;
  return { runs: seconds.length, medianSeconds: median, longestSeconds: longest };
}
