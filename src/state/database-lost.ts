import { setTimeout as delay } from 'node:timers/promises';

/** Classes and codes of PostgreSQL's errors that say that the server goes, comes, has no room, or was not reached. */
const LOST_CODES = /^(?:08\w{3}|57P0[123]|53300|25P03|ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT)$/;
/** What pg says without a code when a connection breaks or cannot be made in time. */
const LOST_MESSAGES =
  /^(?:Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|Client was closed)/;

/** Whether a query failed because the database is away, so that it may be asked again. It may have been carried out. */
export function isDatabaseLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  // Files and sockets of others have these codes too; pg's come from its client or have a severity.
  return LOST_CODES.test(code) ? isOfDatabase(error) : LOST_MESSAGES.test(error.message);
}

function isOfDatabase(error: Error): boolean {
  if ('severity' in error) return true;
  const address = 'syscall' in error ? String(error.syscall) : '';
  const path = 'address' in error ? String(error.address) : '';
  return (
    (address === 'connect' && (path === '' || path.includes('.s.PGSQL.') || 'port' in error)) ||
    address === 'read' ||
    address === 'write'
  );
}

const TRY_EVERY_MS = 250;
const PATIENCE_MS = 30_000;

/**
 * Does `work` again while the database is away, for half a minute: a server that restarts needs seconds. `again` tells
 * the work that an earlier try may have been carried out without an answer.
 */
export async function whileDatabaseReturns<Result>(
  work: (again: boolean) => Promise<Result>,
  patienceMs = PATIENCE_MS,
): Promise<Result> {
  const begin = performance.now();
  for (let again = false; ; again = true) {
    try {
      return await work(again);
    } catch (error) {
      if (!isDatabaseLost(error) || performance.now() - begin > patienceMs) throw error;
    }
    await delay(TRY_EVERY_MS);
  }
}
