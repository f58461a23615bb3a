import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { writeImageEvent } from '../events.ts';
import type { Store } from '../open-store.ts';
import type { ImageStatus } from '../tables.ts';
import { AT, insertImage } from '../test-rows.ts';
import { openTestStore } from '../test-store.ts';

const TOPIC = 'arn:aws:sns:us-east-1:123456789012:images';

async function become(store: Store, arn: string, ...statuses: ImageStatus[]): Promise<void> {
  for (const status of statuses) {
    await store.db.transaction().execute(async (trx) => {
      const reason = status === 'FAILED' ? 'It broke.' : null;
      await trx.updateTable('images').set({ status, reason }).where('arn', '=', arn).execute();
      await writeImageEvent(trx, arn, { status }, AT);
    });
  }
}

const published = (store: Store, kind: 'event' | 'message') =>
  store.db.selectFrom('outbox').selectAll().where('kind', '=', kind).orderBy('id').execute();

describe('a change of status', () => {
  it("is an event in EventBridge's envelope, with the status before", async () => {
    await using store = await openTestStore();
    const arn = await insertImage(store.db);
    await become(store, arn, 'PENDING', 'CREATING', 'BUILDING', 'TESTING', 'AVAILABLE');
    const [first, second, third, ...more] = await published(store, 'event');
    assert.equal(more.length, 0, 'PENDING and CREATING are no events');
    assert.deepEqual(first?.body, {
      version: '0',
      id: first?.uid,
      'detail-type': 'EC2 Image Builder Image State Change',
      source: 'aws.imagebuilder',
      account: '123456789012',
      time: '2026-11-23T10:00:00Z',
      region: 'us-east-1',
      resources: [arn],
      detail: { 'previous-state': { status: 'CREATING' }, state: { status: 'BUILDING' } },
    });
    assert.deepEqual(second?.body['detail'], {
      'previous-state': { status: 'BUILDING' },
      state: { status: 'TESTING' },
    });
    assert.deepEqual(third?.body['detail'], {
      'previous-state': { status: 'TESTING' },
      state: { status: 'AVAILABLE' },
    });
  });

  it('that is rolled back is no event', async () => {
    await using store = await openTestStore();
    const arn = await insertImage(store.db, { infrastructure_configuration: JSON.stringify({ snsTopicArn: TOPIC }) });
    const change = store.db.transaction().execute(async (trx) => {
      await writeImageEvent(trx, arn, { status: 'FAILED' }, AT);
      throw new Error('no');
    });
    await assert.rejects(change, /no/);
    assert.deepEqual([await published(store, 'event'), await published(store, 'message')], [[], []]);
  });

  it('of the lifecycle is none, and neither is AVAILABLE after DEPRECATED', async () => {
    await using store = await openTestStore();
    const arn = await insertImage(store.db, { infrastructure_configuration: JSON.stringify({ snsTopicArn: TOPIC }) });
    await become(store, arn, 'BUILDING', 'AVAILABLE', 'DEPRECATED', 'AVAILABLE', 'DISABLED', 'DELETED');
    assert.equal((await published(store, 'event')).length, 2);
    assert.equal((await published(store, 'message')).length, 1);
  });

  it('at the end is a message to the topic of the infrastructure configuration', async () => {
    await using store = await openTestStore();
    const output = JSON.stringify({
      amis: [{ region: 'us-east-1', image: 'ami-1', name: 'web', accountId: '123456789012' }],
    });
    const recipe = {
      arn: 'arn:recipe',
      name: 'web',
      parentImage: 'arn:aws:imagebuilder:us-east-1:aws:image/debian/x.x.x',
      tags: { a: 'b' },
    };
    const rows = {
      infrastructure_configuration: JSON.stringify({ arn: 'arn:infra', name: 'infra', snsTopicArn: TOPIC, tags: {} }),
      image_recipe: JSON.stringify(recipe),
      dependencies: JSON.stringify({
        [recipe.parentImage]: 'arn:aws:imagebuilder:us-east-1:aws:image/debian/2026.11.23/1',
      }),
      output_resources: output,
    };
    const good = await insertImage(store.db, { ...rows, build: 3 });
    const bad = await insertImage(store.db, { ...rows, build: 4 });
    await become(store, good, 'BUILDING', 'CANCELLED');
    assert.deepEqual(await published(store, 'message'), [], 'a cancelled build is not told');
    await become(store, good, 'AVAILABLE');
    await become(store, bad, 'BUILDING', 'FAILED');
    const [first, second] = await published(store, 'message');
    assert.deepEqual([first?.topic_arn, first?.about, second?.about], [TOPIC, good, bad]);
    const text = String(first?.body['message']);
    // The number of AWS's sample for 1.0.0/3; JavaScript's numbers are not exact enough for it.
    assert.match(text, /"semver":1237940039285380274899124227,/);
    const body = JSON.parse(text);
    assert.equal(body.versionlessArn, 'arn:aws:imagebuilder:us-east-1:123456789012:image/web');
    assert.deepEqual([body.version, body.buildVersion, body.type], ['1.0.0', 3, 'AMI']);
    assert.deepEqual(body.imageRecipe, {
      arn: 'arn:recipe',
      name: 'web',
      parentImage: 'arn:aws:imagebuilder:us-east-1:aws:image/debian/2026.11.23/1',
      tags: { a: 'b', resourceArn: 'arn:recipe' },
      accountId: '123456789012',
    });
    assert.deepEqual(body.outputResources, JSON.parse(output));
    assert.deepEqual(body.imageTestsConfigurationDocument, { imageTestsEnabled: true, timeoutMinutes: 720 });
    assert.equal(body.dateCreated, 'Nov 23, 2026 10:00:00 AM');
    const failed = JSON.parse(String(second?.body['message']));
    assert.deepEqual([failed.state, failed.outputResources], [{ status: 'FAILED', reason: 'It broke.' }, { amis: [] }]);
  });
});
