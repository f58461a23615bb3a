import type { Kysely } from 'kysely';
import type { Database } from '../../state/tables.ts';

/** Whose logs are read. */
export interface LogAccount {
  readonly db: Kysely<Database>;
  readonly accountId: string;
  readonly region: string;
}

export function logGroupArn({ accountId, region }: LogAccount, name: string): string {
  return `arn:aws:logs:${region}:${accountId}:log-group:${name}`;
}
