/** Client tokens on every operation that has one: concurrent retries, retries after a restart, and dry runs. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readModel } from '../contract/model.ts';
import type { OperationName } from '../contract/operations.ts';
import { connectStore } from '../state/open-store.ts';
import { createTestDatabase, openTestStore, silentLog, testDatabaseUrl } from '../state/test-store.ts';
import { REQUESTS, send } from './one-of-each.fixture.ts';
import { type Call, testService } from './test-service.ts';

/** Refused whatever they say, or only for builds that somebody carried out (test/workflows). */
const NOT_HERE: readonly OperationName[] = [
  ...(['CancelLifecycleExecution', 'SendWorkflowStepAction', 'RetryImage'] as const),
  ...(['DistributeImage', 'ImportDiskImage', 'ImportVmImage'] as const),
];

function sendOne(call: Call, operation: OperationName, input: object): Promise<object> {
  return send(call, operation, { ...input, clientToken: 'one' });
}

describe('client tokens of all operations that have one', () => {
  it('are tested below, each, or with builds', () => {
    const having = readModel().filter(({ input }) => input.members.has('clientToken'));
    assert.deepEqual(having.map(({ name }) => name).sort(), [...REQUESTS.map(([name]) => name), ...NOT_HERE].sort());
  });

  it('give concurrent retries one effect and one answer, and so after a restart', async () => {
    const connectionString = await testDatabaseUrl(await createTestDatabase());
    const answers = new Map<OperationName, object>();
    const rowsOf = async (db: Awaited<ReturnType<typeof connectStore>>['db']) =>
      await Promise.all(
        (['resources', 'images', 'lifecycle_executions', 'events'] as const).map(
          async (table) => (await db.selectFrom(table).selectAll().execute()).length,
        ),
      );
    let before: number[];
    {
      await using store = await connectStore({ connectionString }, silentLog);
      const { call } = testService(store);
      for (const [operation, input] of REQUESTS) {
        const [first, ...others] = await Promise.all(Array.from({ length: 8 }, () => sendOne(call, operation, input)));
        assert.ok(first);
        for (const other of others) assert.deepEqual(other, first, operation);
        answers.set(operation, first);
      }
      before = await rowsOf(store.db);
      assert.deepEqual(before.slice(0, 3), [9, 2, 1]);
    }
    await using store = await connectStore({ connectionString }, silentLog);
    const { call } = testService(store);
    for (const [operation, input] of REQUESTS) {
      assert.deepEqual(await sendOne(call, operation, input), answers.get(operation), operation);
      await assert.rejects(sendOne(call, operation, { ...input, description: 'another' }), {
        name: 'IdempotentParameterMismatchException',
      });
    }
    assert.deepEqual(await rowsOf(store.db), before);
  });
});

it('a dry run of each of the eight creates checks everything and stores nothing, not even its token', async () => {
  await using store = await openTestStore();
  const { call } = testService(store);
  const dry = readModel().filter(({ input }) => input.members.has('dryRun'));
  assert.equal(dry.length, 8);
  const rows = async () =>
    await Promise.all(
      (['resources', 'resource_references', 'pipeline_schedules', 'client_tokens'] as const).map(
        async (table) => await store.db.selectFrom(table).selectAll().execute(),
      ),
    );
  const tried: string[] = [];
  for (const [operation, input] of REQUESTS) {
    const request = { ...input, clientToken: operation };
    if (dry.some(({ name }) => name === operation)) {
      const before = await rows();
      await assert.rejects(send(call, operation, { ...request, dryRun: true }), {
        name: 'DryRunOperationException',
        message: 'Request would have succeeded, but dryRun flag is set.',
      });
      const wrong = { ...request, semanticVersion: '1.0.9999999999', infrastructureConfigurationArn: 'none' };
      const hasVersion = 'semanticVersion' in input;
      // What is wrong is told as without the dry run.
      if (hasVersion || 'infrastructureConfigurationArn' in input) {
        await assert.rejects(send(call, operation, { ...wrong, dryRun: true }), (error: Error) => {
          assert.match(error.name, /^(?:InvalidVersionNumber|InvalidParameterValue)Exception$/);
          return true;
        });
      }
      assert.deepEqual(await rows(), before, operation);
      tried.push(operation);
    }
    await send(call, operation, request);
  }
  assert.deepEqual(tried.sort(), dry.map(({ name }) => name).sort());
});
