import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import pg from 'pg';
import type { Connection } from '../../state/build-jobs.ts';
import type { Database } from '../../state/tables.ts';
import type { Life } from './life.ts';

/** A database as a process has it that may die. */
export interface MortalDatabase {
  readonly db: Kysely<Database>;
  /** Breaks its connections, as they break with their process. */
  cut(): void;
}

export function mortalDatabase(connection: Connection, life: Life): MortalDatabase {
  const sockets = new Sockets();
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: mortalPool(connection, sockets, life) }) });
  return { db, cut: () => sockets.cut() };
}

class Sockets {
  readonly #open = new Set<{ destroy(): void }>();
  #isCut = false;

  add(socket: { destroy(): void }): void {
    this.#open.add(socket);
    // It was being made when the others broke.
    if (this.#isCut) socket.destroy();
  }

  delete(socket: { destroy(): void }): void {
    this.#open.delete(socket);
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#open) socket.destroy();
  }
}

/** Connections that break with their process, and whose answers it does not hear any more. */
function mortalPool(connection: Connection, sockets: Sockets, life: Life) {
  const pool = new pg.Pool({
    ...connection,
    ...{ max: 6, connectionTimeoutMillis: 10_000, idle_in_transaction_session_timeout: 500 },
  });
  pool.on('error', () => {});
  pool.on('connect', (client) => {
    const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
    sockets.add(stream);
    client.on('error', () => {});
    client.on('end', () => sockets.delete(stream));
  });
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async (): Promise<PostgresPoolClient> => {
      const client = await life.use(() => pool.connect());
      const query = (...args: readonly unknown[]): Promise<unknown> =>
        life.use(() => (client.query as (...all: readonly unknown[]) => Promise<unknown>)(...args));
      return new Proxy(client, {
        get: (target, name) => (name === 'query' ? query : Reflect.get(target, name, target)),
      }) as unknown as PostgresPoolClient;
    },
  };
}
