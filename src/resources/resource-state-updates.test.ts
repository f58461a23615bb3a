import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { insertImage } from '../state/test-rows.ts';
import { openTestStore } from '../state/test-store.ts';
import { beginStateUpdate } from '../state/transitions/begin-state-update.ts';
import { finishStateUpdates } from './resource-state-updates.ts';
import { AT, testService, token } from './test-service.ts';

const AMI = 'ami-0aaaaaaaaaaaaaaaa';
const OUTPUT = JSON.stringify({ amis: [{ region: 'us-east-1', image: AMI }] });
const WITH_AMIS = { executionRole: 'role', includeResources: { amis: true, snapshots: true } };

describe('changes of the state of an image', () => {
  it('take it out of use and put it back, each with its execution', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const resourceArn = await insertImage(store.db, { status: 'AVAILABLE' });
    for (const status of ['DEPRECATED', 'DISABLED', 'AVAILABLE'] as const) {
      const { lifecycleExecutionId } = await call.StartResourceStateUpdate({
        resourceArn,
        state: { status },
        ...token(),
      });
      const { image } = await call.GetImage({ imageBuildVersionArn: resourceArn });
      assert.equal(image?.state?.status, status);
      assert.equal(image?.lifecycleExecutionId, lifecycleExecutionId);
      assert.deepEqual(image?.deprecationTime, status === 'DEPRECATED' ? AT : undefined);
    }
    const { lifecycleExecutions } = await call.ListLifecycleExecutions({ resourceArn });
    assert.deepEqual(
      lifecycleExecutions?.map(({ state }) => state?.status),
      ['SUCCESS', 'SUCCESS', 'SUCCESS'],
    );
  });

  it('are refused from states that do not lead there, and where they would have no effect', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const failed = await insertImage(store.db, { status: 'FAILED' });
    const building = await insertImage(store.db, { build: 2, status: 'BUILDING' });
    const good = await insertImage(store.db, { build: 3, status: 'AVAILABLE' });
    const cases: [object, string, RegExp][] = [
      [{ resourceArn: failed, state: { status: 'AVAILABLE' } }, 'InvalidRequestException', /it is FAILED/],
      [{ resourceArn: building, state: { status: 'DELETED' }, ...WITH_AMIS }, 'InvalidRequestException', /BUILDING/],
      [{ resourceArn: good, state: { status: 'DELETED' } }, 'InvalidParameterCombinationException', /DELETED needs/],
      [{ resourceArn: good, state: {} }, 'InvalidParameterValueException', /'state.status'/],
      [
        { resourceArn: good, state: { status: 'DISABLED' }, ...WITH_AMIS },
        'InvalidParameterCombinationException',
        /only included in DELETED/,
      ],
      [
        { resourceArn: good, state: { status: 'DELETED' }, executionRole: 'role' },
        'InvalidParameterCombinationException',
        /together/,
      ],
      [
        { resourceArn: good, state: { status: 'DEPRECATED' }, updateAt: new Date(AT.getTime() + 1) },
        'InvalidRequestException',
        /'updateAt'/,
      ],
    ];
    for (const [input, name, message] of cases) {
      const request = { ...(input as { resourceArn: string; state: object }), ...token() };
      await assert.rejects(call.StartResourceStateUpdate(request), { name, message });
    }
  });

  it('to DELETED remove the AMIs, and are taken back when one must stay', async () => {
    await using store = await openTestStore();
    const removed: string[] = [];
    let reason: string | undefined = 'Other images are built on it.';
    const remove = async (amiId: string): Promise<void> => {
      if (reason !== undefined) throw new Error(reason);
      removed.push(amiId);
    };
    const { call } = testService(store, {}, {}, { amis: { remove } });
    const resourceArn = await insertImage(store.db, { status: 'DEPRECATED', output_resources: OUTPUT });
    const request = { resourceArn, state: { status: 'DELETED' as const }, ...WITH_AMIS };
    const first = await call.StartResourceStateUpdate({ ...request, ...token() });
    const { lifecycleExecutionId = '' } = first;
    const { lifecycleExecution } = await call.GetLifecycleExecution({ lifecycleExecutionId });
    assert.deepEqual(lifecycleExecution?.state, {
      status: 'FAILED',
      reason: `The AMI ${AMI} could not be removed: Other images are built on it.`,
    });
    const stateOf = async () => (await call.GetImage({ imageBuildVersionArn: resourceArn })).image;
    assert.equal((await stateOf())?.state?.status, 'DEPRECATED');
    reason = undefined;
    await call.StartResourceStateUpdate({ ...request, ...token() });
    assert.deepEqual(removed, [AMI]);
    assert.equal((await stateOf())?.state?.status, 'DELETED');
    assert.deepEqual((await stateOf())?.outputResources, { amis: [] });
  });

  it('that a stop interrupted are ended when the service starts', async () => {
    await using store = await openTestStore();
    const removed: string[] = [];
    const { service, call } = testService(store, {}, {}, { amis: { remove: async (id) => void removed.push(id) } });
    const arn = await insertImage(store.db, { status: 'AVAILABLE', output_resources: OUTPUT });
    const id = 'lce-01234567-89ab-cdef-0123-456789abcdef';
    await store.db.transaction().execute(async (trx) => {
      const image = await trx.selectFrom('images').selectAll().where('arn', '=', arn).executeTakeFirstOrThrow();
      await beginStateUpdate(trx, { id, image, status: 'DELETED', amiIds: [AMI], at: AT });
    });
    await finishStateUpdates(service, [service.accountId]);
    assert.deepEqual(removed, [AMI]);
    const { lifecycleExecution } = await call.GetLifecycleExecution({ lifecycleExecutionId: id });
    assert.equal(lifecycleExecution?.state?.status, 'SUCCESS');
    await finishStateUpdates(service, [service.accountId]);
    assert.deepEqual(removed, [AMI]);
  });
});
