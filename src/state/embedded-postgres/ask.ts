import pg from 'pg';
import { ROLE } from './data-directory.ts';
import { PORT } from './socket-directory.ts';

/** Asks the server behind a socket where its data is. Rejects within two seconds when it does not answer. */
export async function askDataDirectory(socketDir: string): Promise<string> {
  const limits = { connectionTimeoutMillis: 2_000, query_timeout: 2_000 };
  const client = new pg.Client({ host: socketDir, port: PORT, user: ROLE, database: 'postgres', ...limits });
  // A server that goes away says so a second time, as an event.
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('show data_directory');
    return rows[0]?.data_directory ?? '';
  } finally {
    await client.end().catch(() => {});
  }
}
