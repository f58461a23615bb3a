import type { Kysely } from 'kysely';
import { parseArn } from '../contract/arn.ts';
import { resolveImage, resolveResource } from '../state/find-resource.ts';
import type { Database } from '../state/tables.ts';

/** The tags of what an ARN means now, wildcards resolved; undefined when there is nothing. */
export async function findTags(
  db: Kysely<Database>,
  arn: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  // Also what nobody has checked yet comes by here; only what is well-formed goes to the database.
  if (parseArn(arn) === undefined) return undefined;
  const resource = await resolveResource(db, arn);
  return (resource ?? (await resolveImage(db, arn)))?.tags;
}
