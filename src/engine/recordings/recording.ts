import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import type { MachineImage } from '../../image-store/image-store.ts';
import { AT_ONCE } from '../../state/parked.ts';
import type { Database } from '../../state/tables.ts';
import type { BuildBench } from '../simulated/build-bench.ts';

/** The tables of a build, those first that others refer to. */
const TABLES = [
  'resources',
  'images',
  'workflow_executions',
  'workflow_step_executions',
  'component_steps',
  'waiting_steps',
  'events',
] as const satisfies readonly (keyof Database)[];

/** Stands in recordings for the folder of the bench. */
export const FOLDER = '{folder}';

/**
 * What a version of Kiln had on record of a build, and had made, when its worker was killed. Later versions go on with it:
 * a recording is never changed, and never taken out while databases may hold its like.
 */
export interface Recording {
  /** Of the Kiln that wrote it. */
  readonly version: string;
  /** In which step the worker was killed; or what else there was to go on with (scenarios.ts). */
  readonly killedIn: string;
  readonly imageArn: string;
  /** Rows by table, as PostgreSQL gives them as JSON. */
  readonly rows: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
  readonly instances: readonly { readonly instanceId: string; readonly file: string }[];
  readonly amis: readonly MachineImage[];
  /** What the build came to: workflows in their order with their status. */
  readonly outcome: readonly string[];
  /** How the image ended; left out: AVAILABLE. */
  readonly status?: string;
  /** How often somebody had to say that it goes on; left out: never. */
  readonly answers?: number;
}

export async function thisVersion(): Promise<string> {
  return JSON.parse(await readFile(path.join(import.meta.dirname, '../../../package.json'), 'utf8')).version;
}

export function fileOf(version: string, scenario: string): string {
  return path.join(import.meta.dirname, `${version}-${scenario}.json`);
}

/** All rows that there are: record in a database that has one build only. */
export async function readRows({ store }: BuildBench): Promise<Recording['rows']> {
  const rows: Record<string, readonly Record<string, unknown>[]> = {};
  for (const table of TABLES) {
    const { rows: found } = await sql<{ row: Record<string, unknown> }>`
      select to_jsonb(t) as row from ${sql.table(table)} as t`.execute(store.db);
    rows[table] = found.map(({ row }) => row);
  }
  return rows;
}

/**
 * Puts rows into an empty database; columns that are newer have their defaults, and numbers that it gives are its own. What
 * waits does so for another hour, however old the recording is.
 */
export async function writeRows({ store }: BuildBench, rows: Recording['rows']): Promise<void> {
  for (const table of TABLES) {
    const { rows: given } = await sql<{ name: string }>`
      select column_name as name from information_schema.columns
      where table_name = ${table} and is_identity = 'YES'`.execute(store.db);
    for (const row of rows[table] ?? []) {
      const names = Object.keys(row).filter((name) => !given.some((column) => column.name === name));
      const columns = sql.join(names.map((name) => sql.ref(name)));
      await sql`
        insert into ${sql.table(table)} (${columns})
        select ${columns} from jsonb_populate_record(null::${sql.table(table)}, ${JSON.stringify(row)}::jsonb)`.execute(
        store.db,
      );
    }
  }
  await sql`update waiting_steps set deadline = now() + interval '1 hour'`.execute(store.db);
  await sql`update images set parked_until = now() + interval '1 hour' where parked_until > ${AT_ONCE}`.execute(
    store.db,
  );
}
