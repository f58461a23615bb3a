/** How ARNs of other accounts become rows: only what may be seen is there. */
import { type Kysely, sql } from 'kysely';
import { parseArn } from '../contract/arn.ts';
import { parseOpenVersion, slugColumn, versionColumns } from './find-resource.ts';
import type { Database } from './tables.ts';

export interface SharedRow {
  readonly arn: string;
  readonly policy: string | null;
}

interface Sharee {
  readonly accountId: string;
  /** What the policy of a resource says about it, all of it considered. */
  readonly accepts: (row: SharedRow) => boolean;
}

/**
 * The ARN of the resource or image that `arn` means to somebody of another account: as resolveResource and resolveImage,
 * but what is not shared is not there, so a version or wildcard means the newest that is. Throws
 * InvalidVersionNumberException as they do.
 */
export async function findShared(
  db: Kysely<Database>,
  arn: string,
  { accountId, accepts }: Sharee,
): Promise<string | undefined> {
  const parts = parseArn(arn);
  if (parts === undefined) return undefined;
  const open = parseOpenVersion(arn);
  const isImage = parts.kind === 'image';
  const conditions =
    open === undefined
      ? [sql`arn = ${arn}`]
      : [
          sql`account_id = ${open.owner} and region = ${open.region} and slug = ${slugColumn(open)}`,
          isImage ? sql`status = 'AVAILABLE'` : sql`kind = ${open.kind}`,
          ...versionColumns(open.version).map(([column, value]) => sql`${sql.ref(column)} = ${value}`),
        ];
  const { rows } = await sql<SharedRow>`
    select arn, policy from ${sql.table(isImage ? 'images' : 'resources')}
      where shared_with <> '{}' and shared_with @> array[${accountId}]
        and ${sql.join(conditions, sql` and `)}
      order by major desc, minor desc, patch desc, build desc`.execute(db);
  const samePartition = (row: SharedRow): boolean => parseArn(row.arn)?.partition === parts.partition;
  return rows.find((row) => samePartition(row) && accepts(row))?.arn;
}
