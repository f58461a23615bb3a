import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import pg from 'pg';
import { connectStore } from '../open-store.ts';
import type { Database } from '../tables.ts';
import { AT, insertImage } from '../test-rows.ts';
import { createTestDatabase, silentLog, testDatabaseUrl } from '../test-store.ts';
import { findWait } from '../waiting-steps.ts';
import { answerStep } from './answer-step.ts';
import { beginWaiting } from './begin-waiting.ts';
import { claimImage } from './claim-image.ts';
import { startStep } from './start-step.ts';
import { startWorkflowExecution } from './start-workflow-execution.ts';

/** A database whose connection breaks after the first commit, before its answer; `meanwhile` happens in between. */
function losingFirstCommit(connectionString: string, meanwhile: () => Promise<unknown>): Kysely<Database> {
  const pool = new pg.Pool({ connectionString });
  // Of a connection that is being closed, the end of the server may be faster.
  pool.on('error', () => {});
  let lost = false;
  const connect = async (): Promise<PostgresPoolClient> => {
    const client = await pool.connect();
    const query = async (...args: [string]): Promise<unknown> => {
      const answer = await client.query(...args);
      if (args[0] !== 'commit' || lost) return answer;
      lost = true;
      await meanwhile();
      throw new Error('Connection terminated unexpectedly');
    };
    return new Proxy(client, {
      get: (target, name) => (name === 'query' ? query : Reflect.get(target, name, target)),
    }) as unknown as PostgresPoolClient;
  };
  return new Kysely({
    dialect: new PostgresDialect({ pool: { options: pool.options, connect, end: () => pool.end() } }),
  });
}

test('a wait whose commit got no answer is not begun anew: what was said meanwhile stays', async () => {
  const url = await testDatabaseUrl(await createTestDatabase());
  await using store = await connectStore({ connectionString: url }, silentLog);
  const imageArn = await insertImage(store.db);
  const claimed = await claimImage(store.db, { imageArn, workerId: 'here', at: AT });
  assert.ok(claimed);
  const stepExecutionId = 'step-1';
  const step = { name: 'Ask', action: 'WaitForAction', inputs: {}, onFailure: 'Abort' as const, timeoutSeconds: 60 };
  await startWorkflowExecution(store.db, claimed.claim, {
    ...{ id: 'wf-1', type: 'BUILD', position: 0, at: AT, steps: [{ id: stepExecutionId, ...step }] },
    workflowArn: 'arn:aws:imagebuilder:us-east-1:123456789012:workflow/build/ask/1.0.0/1',
  });
  await startStep(store.db, claimed.claim, { stepExecutionId, inputs: {}, at: AT });
  const answer = { stepExecutionId, imageArn, action: 'STOP' as const, reason: 'no', at: AT };
  let heard = false;
  const db = losingFirstCommit(url, async () => {
    heard = await answerStep(store.db, answer, store.jobs);
  });
  await beginWaiting(db, claimed.claim, { stepExecutionId, since: AT, seconds: 60, message: '', topicArn: undefined });
  await db.destroy();
  assert.equal(heard, true);
  assert.equal((await findWait(store.db, stepExecutionId))?.action, 'STOP');
  const told = await store.db.selectFrom('outbox').select('id').where('about', '=', imageArn).execute();
  assert.equal(told.length, 1, 'that it waits is told once');
});
