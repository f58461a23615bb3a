import type { Transaction } from 'kysely';
import { AwsError, notFound } from '../contract/errors.ts';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import type { Database } from '../state/tables.ts';
import type { Service } from './service.ts';

type Tags = Record<string, string>;

const MAX_TAGS = 50;

/** Refuses a set of tags that became too large by merging; single requests are limited by the contract. */
export function checkTagCount(parameter: string, tags: Tags): void {
  const count = Object.keys(tags).length;
  if (count <= MAX_TAGS) return;
  throw new AwsError(
    'InvalidParameterException',
    `The value supplied for parameter '${parameter}' is not valid. ` +
      `A resource has at most ${MAX_TAGS} tags; it would have ${count}.`,
  );
}

export async function listTagsForResource(
  service: Service,
  { resourceArn }: InputOf<'ListTagsForResource'>,
): Promise<OutputOf<'ListTagsForResource'>> {
  for (const table of ['resources', 'images'] as const) {
    const row = await service.db.selectFrom(table).select('tags').where('arn', '=', resourceArn).executeTakeFirst();
    if (row !== undefined) return { tags: row.tags };
  }
  throw notFound('resourceArn', resourceArn);
}

export async function tagResource(
  service: Service,
  { resourceArn, tags: added }: InputOf<'TagResource'>,
): Promise<OutputOf<'TagResource'>> {
  await changeTags(service, resourceArn, (tags) => ({ ...tags, ...added }));
  return {};
}

/** Keys that are not there are no error. */
export async function untagResource(
  service: Service,
  { resourceArn, tagKeys }: InputOf<'UntagResource'>,
): Promise<OutputOf<'UntagResource'>> {
  await changeTags(service, resourceArn, (tags) =>
    Object.fromEntries(Object.entries(tags).filter(([key]) => !tagKeys.includes(key))),
  );
  return {};
}

async function changeTags(service: Service, arn: string, change: (tags: Tags) => Tags): Promise<void> {
  await service.db.transaction().execute(async (trx) => {
    for (const table of ['resources', 'images'] as const) {
      if (await changeTagsIn(trx, table, arn, change)) return;
    }
    throw notFound('resourceArn', arn);
  });
}

async function changeTagsIn(
  trx: Transaction<Database>,
  table: 'resources' | 'images',
  arn: string,
  change: (tags: Tags) => Tags,
): Promise<boolean> {
  const row = await trx.selectFrom(table).select('tags').where('arn', '=', arn).forNoKeyUpdate().executeTakeFirst();
  if (row === undefined) return false;
  const tags = change(row.tags);
  checkTagCount('tags', tags);
  await trx
    .updateTable(table)
    .set({ tags: JSON.stringify(tags) })
    .where('arn', '=', arn)
    .execute();
  return true;
}
