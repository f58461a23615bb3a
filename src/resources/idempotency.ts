import { createHash } from 'node:crypto';
import type { Transaction } from 'kysely';
import { AwsError } from '../contract/errors.ts';
import type { OperationName } from '../contract/operations.ts';
import type { Database } from '../state/tables.ts';
import type { Service } from './service.ts';

interface IdempotentRequest {
  readonly clientToken: string;
  readonly dryRun?: boolean | undefined;
}

/**
 * Runs `change` in one transaction, at most once per client token of an account and operation: the same token with the
 * same parameters is answered with the first response, with others it is refused. A request that fails, a dry run
 * included, remembers nothing.
 *
 * A concurrent request with the same token waits for the first one to end: both insert the same key.
 */
export async function changeOnce<Response extends object>(
  service: Service,
  operation: OperationName,
  request: IdempotentRequest,
  change: (trx: Transaction<Database>) => Promise<Response>,
): Promise<Response & { clientToken: string }> {
  const { clientToken, ...parameters } = request;
  const key = { account_id: service.accountId, operation, token: clientToken };
  const parametersHash = createHash('sha256').update(canonicalJson(parameters)).digest('hex');
  return await service.db.transaction().execute(async (trx) => {
    const first = await trx
      .insertInto('client_tokens')
      .values({ ...key, parameters_hash: parametersHash, response: '{}', created_at: service.clock.now() })
      .onConflict((conflict) => conflict.doNothing())
      .returning('token')
      .executeTakeFirst();
    const ofToken = trx.selectFrom('client_tokens').where((row) => row.and(key));
    if (first === undefined) {
      const known = await ofToken.select(['parameters_hash', 'response']).executeTakeFirstOrThrow();
      if (known.parameters_hash !== parametersHash) throw mismatch(clientToken);
      return { ...(known.response as Response), clientToken };
    }
    const response = await change(trx);
    if (request.dryRun === true) {
      throw new AwsError('DryRunOperationException', 'Request would have succeeded, but dryRun flag is set.');
    }
    await trx
      .updateTable('client_tokens')
      .set({ response: JSON.stringify(response) })
      .where((row) => row.and(key))
      .execute();
    return { ...response, clientToken };
  });
}

function mismatch(clientToken: string): AwsError {
  return new AwsError(
    'IdempotentParameterMismatchException',
    `The client token '${clientToken}' was used before with other parameters. Use a new token for a new request.`,
  );
}

/** JSON with sorted keys and without undefined members: equal requests give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
