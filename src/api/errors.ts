/** Turns whatever was thrown into an error that AWS clients understand. */
import { AwsError } from '../contract/errors.ts';
import { coerceError } from '../util/faults.ts';
import type { ApiLog } from './log.ts';

/** The answer that tells an error, as services with JSON do. */
export function errorAnswer(error: AwsError): Response {
  return Response.json(
    { message: error.message },
    { status: error.httpStatus, headers: { 'x-amzn-errortype': error.name } },
  );
}

/** What to tell of `thrown`. What is not the caller's fault is logged, and told only in general. */
export function asAwsError(thrown: unknown, requestId: string, log: ApiLog): AwsError {
  if (thrown instanceof AwsError) {
    if (thrown.httpStatus >= 500) log.error({ requestId, err: thrown }, 'request failed');
    return thrown;
  }
  const err = coerceError(thrown);
  if (isDatabaseAway(err)) {
    log.error({ requestId, err }, 'the database cannot be reached');
    return new AwsError('ServiceUnavailableException', 'The service is temporarily unavailable. Try again.', {
      retryAfterSeconds: 1,
    });
  }
  log.error({ requestId, err }, 'request failed in an unexpected way');
  return new AwsError('ServiceException', `An internal error occurred. The service's log has it under ${requestId}.`);
}

const DATABASE_AWAY_MESSAGES =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered|Cannot use a pool after)/;

/**
 * Connection errors of `pg`: system errors, PostgreSQL's classes 08 (connection exception) and 57P (operator
 * intervention: shutting down, starting up), and the messages that pg itself makes up.
 */
function isDatabaseAway(error: Error): boolean {
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  if (typeof code === 'string') {
    if (['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(code)) return true;
    if (code === 'ENOENT' && syscall === 'connect') return true;
    if (/^(?:08...|57P0[1-3]|53300)$/.test(code)) return true;
  }
  if (DATABASE_AWAY_MESSAGES.test(error.message)) return true;
  const causes = [error.cause, ...(error instanceof AggregateError ? error.errors : [])];
  return causes.some((cause) => cause instanceof Error && isDatabaseAway(cause));
}
