import { type Kysely, sql } from 'kysely';
import { findImage, type ImageRow } from './find-resource.ts';
import type { Database } from './tables.ts';

export interface StepHistory {
  /** Runs of the step that ended well, of earlier builds of images of the same name. */
  readonly runs: number;
  readonly medianSeconds: number;
  readonly longestSeconds: number;
}

/** By {@link documentStepKey}. */
export type DocumentSeconds = Readonly<Record<string, number>>;

/** A step of a component, whichever its version. */
export function documentStepKey(component: string, phase: string, step: string): string {
  return `${component}/${phase}/${step}`;
}

const LOOK_BACK = 20;

/** How long a workflow step took when it ended well, in the last builds of the same image; undefined: it never has. */
export async function stepHistory(
  db: Kysely<Database>,
  { imageArn, stepName, action }: { readonly imageArn: string; readonly stepName: string; readonly action: string },
): Promise<StepHistory | undefined> {
  const image = await findImage(db, imageArn);
  if (image === undefined) return undefined;
  const rows = await earlierSteps(db, image)
    .select(sql<number>`greatest(0, extract(epoch from step.ended_at - step.started_at)::float8)`.as('seconds'))
    .where('step.name', '=', stepName)
    .where('step.action', '=', action)
    .where('step.status', '=', 'COMPLETED')
    .execute();
  return historyOf(rows.map(({ seconds }) => seconds));
}

/** How long a step of a component took when it ended well, as in {@link stepHistory}. */
export async function documentStepHistory(
  db: Kysely<Database>,
  { imageArn, key }: { readonly imageArn: string; readonly key: string },
): Promise<StepHistory | undefined> {
  const image = await findImage(db, imageArn);
  if (image === undefined) return undefined;
  const seconds = sql<number>`(step.document_seconds ->> ${key})::float8`;
  const rows = await earlierSteps(db, image).select(seconds.as('seconds')).where(seconds, 'is not', null).execute();
  return historyOf(rows.map((row) => row.seconds));
}

function earlierSteps(db: Kysely<Database>, image: ImageRow) {
  return db
    .selectFrom('workflow_step_executions as step')
    .innerJoin('images as image', 'image.arn', 'step.image_arn')
    .where('image.account_id', '=', image.account_id)
    .where('image.region', '=', image.region)
    .where('image.slug', '=', image.slug)
    .where('image.arn', '!=', image.arn)
    .orderBy('image.seq', 'desc')
    .limit(LOOK_BACK);
}

function historyOf(runs: readonly number[]): StepHistory | undefined {
  const seconds = runs.toSorted((a, b) => a - b);
  const median = seconds[Math.floor(seconds.length / 2)];
  const longest = seconds.at(-1);
  if (median === undefined || longest === undefined) return undefined;
  return { runs: seconds.length, medianSeconds: median, longestSeconds: longest };
}
