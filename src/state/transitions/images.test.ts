import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEvents } from '../events.ts';
import { findImage } from '../find-resource.ts';
import type { Store } from '../open-store.ts';
import { AT, insertImage } from '../test-rows.ts';
import { openTestStore } from '../test-store.ts';
import { cancelImage } from './cancel-image.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';
import { claimImage } from './claim-image.ts';
import { completeImage } from './complete-image.ts';
import { failImage } from './fail-image.ts';
import { parkImage } from './park-image.ts';
import { putImagePackages } from './put-image-packages.ts';
import { putOutputAmis } from './put-output-amis.ts';
import { requestImageCancellation } from './request-image-cancellation.ts';
import { resumeImage } from './resume-image.ts';
import { setImageStatus } from './set-image-status.ts';
import { takeOverImage } from './take-over-image.ts';

const LATER = new Date('2026-11-23T10:05:00.000Z');

async function claimNew(store: Store, build = 1): Promise<ImageClaim> {
  const imageArn = await insertImage(store.db, { build });
  const claimed = await claimImage(store.db, { imageArn, workerId: 'here', at: AT });
  assert.ok(claimed);
  return claimed.claim;
}

async function eventsOf(store: Store, imageArn: string): Promise<unknown[]> {
  return (await readEvents(store.db, { imageArn, limit: 100 })).map((event) => event.detail);
}

test('an image goes from its claim through the stages to AVAILABLE, with an event for each', async () => {
  await using store = await openTestStore();
  const claim = await claimNew(store);
  await setImageStatus(store.db, claim, 'BUILDING', AT);
  await setImageStatus(store.db, claim, 'TESTING', AT);
  const ami = { region: 'us-east-1', image: 'ami-0123456789abcdef0', name: 'web', accountId: '123456789012' };
  await putOutputAmis(store.db, claim, [ami]);
  await putOutputAmis(store.db, claim, [
    { ...ami, name: 'web again' },
    { ...ami, image: 'ami-0123456789abcdef1' },
  ]);
  await completeImage(store.db, claim, { osVersion: 'Debian GNU/Linux 12', at: LATER });
  const image = await findImage(store.db, claim.imageArn);
  assert.equal(image?.status, 'AVAILABLE');
  assert.equal(image.os_version, 'Debian GNU/Linux 12');
  assert.equal(image.worker_id, 'here');
  assert.deepEqual([image.started_at, image.ended_at], [AT, LATER]);
  assert.deepEqual(image.output_resources, {
    amis: [
      { ...ami, name: 'web again' },
      { ...ami, image: 'ami-0123456789abcdef1' },
    ],
  });
  assert.deepEqual(await eventsOf(store, claim.imageArn), [
    { status: 'CREATING' },
    { status: 'BUILDING' },
    { status: 'TESTING' },
    { status: 'AVAILABLE' },
  ]);
});

test('of two workers that claim an image at once one gets it', async () => {
  await using store = await openTestStore();
  const imageArn = await insertImage(store.db);
  const claims = await Promise.all(
    ['one', 'two', 'three'].map((workerId) => claimImage(store.db, { imageArn, workerId, at: AT })),
  );
  assert.equal(claims.filter((claimed) => claimed !== undefined).length, 1);
  assert.equal((await eventsOf(store, imageArn)).length, 1);
  assert.equal(await claimImage(store.db, { imageArn: `${imageArn}0`, workerId: 'one', at: AT }), undefined);
});

test('a failed image keeps its reason, what failed and the stage it was in', async () => {
  await using store = await openTestStore();
  const claim = await claimNew(store);
  await setImageStatus(store.db, claim, 'BUILDING', AT);
  await failImage(store.db, claim, { reason: 'x'.repeat(2000), failureContext: { failedStep: 'Apply' }, at: LATER });
  const image = await findImage(store.db, claim.imageArn);
  assert.equal(image?.status, 'FAILED');
  assert.equal(image.reason?.length, 1024);
  assert.deepEqual(image.failure_context, { imageStatus: 'BUILDING', failedStep: 'Apply' });
  assert.deepEqual((await eventsOf(store, claim.imageArn)).at(-1), { status: 'FAILED', reason: image.reason });
});

test('an image does not go back to an earlier stage', async () => {
  await using store = await openTestStore();
  const claim = await claimNew(store);
  await setImageStatus(store.db, claim, 'TESTING', AT);
  await assert.rejects(setImageStatus(store.db, claim, 'BUILDING', AT), /from TESTING to BUILDING/);
  await assert.rejects(setImageStatus(store.db, claim, 'TESTING', AT), /from TESTING to TESTING/);
  assert.equal((await findImage(store.db, claim.imageArn))?.status, 'TESTING');
});

test('an older claim changes nothing, whatever it tries', async () => {
  await using store = await openTestStore();
  const old = await claimNew(store);
  await store.jobs.enqueue(store.db, old.imageArn);
  const renewed = await takeOverImage(store.db, { imageArn: old.imageArn, workerId: 'there' });
  assert.equal(renewed?.claim.epoch, old.epoch + 1);
  assert.equal(renewed.predecessors.at(-1)?.workerId, 'here');
  const before = await findImage(store.db, old.imageArn);
  const lost = { name: 'ClaimLostError', imageArn: old.imageArn };
  await assert.rejects(setImageStatus(store.db, old, 'BUILDING', AT), lost);
  await assert.rejects(completeImage(store.db, old, { at: AT }), lost);
  await assert.rejects(failImage(store.db, old, { reason: 'no', at: AT }), lost);
  await assert.rejects(cancelImage(store.db, old, { at: AT }), lost);
  await assert.rejects(putImagePackages(store.db, old, { packages: [] }), lost);
  await assert.rejects(putOutputAmis(store.db, old, []), lost);
  assert.deepEqual(await findImage(store.db, old.imageArn), before);
  assert.deepEqual(await eventsOf(store, old.imageArn), [{ status: 'CREATING' }]);
  await setImageStatus(store.db, renewed.claim, 'BUILDING', AT);
});

test('an image that has ended or is gone is changed by nobody', async () => {
  await using store = await openTestStore();
  const ends: readonly ((claim: ImageClaim) => Promise<void>)[] = [
    (claim) => completeImage(store.db, claim, { at: AT }),
    (claim) => failImage(store.db, claim, { reason: 'broken', at: AT }),
    (claim) => cancelImage(store.db, claim, { reason: 'asked', at: AT }),
    async ({ imageArn }) => {
      await store.db.deleteFrom('images').where('arn', '=', imageArn).execute();
    },
  ];
  for (const [index, end] of ends.entries()) {
    const claim = await claimNew(store, index + 1);
    await end(claim);
    for (const again of ends.slice(0, 3)) await assert.rejects(again(claim), { name: 'ClaimLostError' });
    await store.jobs.enqueue(store.db, claim.imageArn);
    assert.equal(await takeOverImage(store.db, { imageArn: claim.imageArn, workerId: 'here' }), undefined);
  }
});

test('a transition and its event roll back with the transaction around them', async () => {
  await using store = await openTestStore();
  const claim = await claimNew(store);
  const failing = store.db.transaction().execute(async (trx) => {
    await setImageStatus(trx, claim, 'BUILDING', AT);
    throw new Error('changed my mind');
  });
  await assert.rejects(failing, { message: 'changed my mind' });
  assert.equal((await findImage(store.db, claim.imageArn))?.status, 'CREATING');
  assert.equal((await eventsOf(store, claim.imageArn)).length, 1);
});

test('cancelling a parked image queues it at once: nobody watches it who could clean up', async () => {
  await using store = await openTestStore();
  const claim = await claimNew(store);
  const { imageArn } = claim;
  await parkImage(store.db, claim, store.jobs);
  // As of one that waits for somebody for days.
  const deadline = new Date(Date.now() + 3 * 86_400_000);
  await store.db
    .updateTable('images')
    .set({ parked_until: deadline, queued_from: deadline })
    .where('arn', '=', imageArn)
    .execute();
  const claimant = { imageArn, workerId: 'other', at: AT };
  const early = await resumeImage(store.db, claimant);
  assert.ok(early !== undefined && 'inMs' in early);
  assert.equal(await requestImageCancellation(store.db, { imageArn, at: AT }, store.jobs), 'requested');
  const { queued_from: queuedFrom } = (await findImage(store.db, imageArn)) ?? {};
  assert.ok(queuedFrom !== undefined && queuedFrom !== null && queuedFrom.getTime() <= Date.now() + 1000);
  const resumed = await resumeImage(store.db, claimant);
  assert.ok(resumed !== undefined && 'claim' in resumed);
});

test('cancelling a PENDING image ends it at once, a running one is asked, an ended one stays', async () => {
  await using store = await openTestStore();
  const pending = await insertImage(store.db, { build: 7 });
  assert.equal(await requestImageCancellation(store.db, { imageArn: pending, at: AT }, store.jobs), 'cancelled');
  assert.equal((await findImage(store.db, pending))?.status, 'CANCELLED');
  assert.deepEqual(await eventsOf(store, pending), [{ status: 'CANCELLED' }]);
  assert.equal(await claimImage(store.db, { imageArn: pending, workerId: 'here', at: AT }), undefined);

  const claim = await claimNew(store);
  const { imageArn } = claim;
  assert.equal(await requestImageCancellation(store.db, { imageArn, at: AT }, store.jobs), 'requested');
  assert.equal(await requestImageCancellation(store.db, { imageArn, at: LATER }, store.jobs), 'requested');
  const asked = await findImage(store.db, imageArn);
  assert.equal(asked?.status, 'CREATING');
  assert.deepEqual(asked.cancel_requested_at, AT);
  await cancelImage(store.db, claim, { at: LATER });
  assert.equal((await findImage(store.db, imageArn))?.status, 'CANCELLED');
  assert.equal(await requestImageCancellation(store.db, { imageArn, at: LATER }, store.jobs), 'ended');
  assert.equal(
    await requestImageCancellation(store.db, { imageArn: `${imageArn}0`, at: LATER }, store.jobs),
    'not-found',
  );
});

test('a cancellation and a claim that meet never both win', async () => {
  await using store = await openTestStore();
  for (let build = 1; build <= 20; build++) {
    const imageArn = await insertImage(store.db, { build });
    const [claimed, answer] = await Promise.all([
      claimImage(store.db, { imageArn, workerId: 'here', at: AT }),
      requestImageCancellation(store.db, { imageArn, at: AT }, store.jobs),
    ]);
    assert.equal(answer, claimed === undefined ? 'cancelled' : 'requested');
  }
});

test('a package list is replaced as a whole and keeps its order, also a long one', async () => {
  await using store = await openTestStore();
  const claim = await claimNew(store);
  await putImagePackages(store.db, claim, { osVersion: 'Old 1', packages: [{ name: 'old', version: '1' }] });
  const packages = Array.from({ length: 12_000 }, (_, index) => ({ name: `p${index}`, version: `${index}` }));
  await putImagePackages(store.db, claim, { osVersion: 'Debian GNU/Linux 12', packages });
  const rows = await store.db.selectFrom('image_packages').selectAll().orderBy('position').execute();
  assert.deepEqual(
    rows.map((row) => ({ name: row.package_name, version: row.package_version })),
    packages,
  );
  assert.equal((await findImage(store.db, claim.imageArn))?.os_version, 'Debian GNU/Linux 12');
});

test('events of one image have ids in the order of their commits', async () => {
  await using store = await openTestStore();
  const claim = await claimNew(store);
  const { promise: mayCommit, resolve: commit } = Promise.withResolvers<void>();
  const { promise: written, resolve: wrote } = Promise.withResolvers<void>();
  const slow = changeClaimed(store.db, claim, async (trx) => {
    await setImageStatus(trx, claim, 'BUILDING', AT);
    wrote();
    await mayCommit;
  });
  await written;
  const next = setImageStatus(store.db, claim, 'TESTING', AT);
  assert.deepEqual(await eventsOf(store, claim.imageArn), [{ status: 'CREATING' }]);
  commit();
  await Promise.all([slow, next]);
  assert.deepEqual(await eventsOf(store, claim.imageArn), [
    { status: 'CREATING' },
    { status: 'BUILDING' },
    { status: 'TESTING' },
  ]);
});
