import type { Kysely } from 'kysely';
import { resolveImage, resolveResource } from '../state/find-resource.ts';
import type { Database } from '../state/tables.ts';

/** The tags of what an ARN means now, wildcards resolved; undefined when there is nothing. */
export async function findTags(
  db: Kysely<Database>,
  arn: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  if (!arn.startsWith('arn:') || arn.endsWith('*')) return undefined;
  const resource = await resolveResource(db, arn);
  return (resource ?? (await resolveImage(db, arn)))?.tags;
}
