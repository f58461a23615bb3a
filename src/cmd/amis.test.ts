import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageStore, MachineImage } from '../image-store/image-store.ts';
import { BuilderFault } from '../util/faults.ts';
import { amis } from './amis.ts';
import { parentImages } from './parent-images.ts';

/** A store that has these AMIs and notes which are removed. */
function storeOf(...images: readonly Partial<MachineImage>[]) {
  const removed: string[] = [];
  const store: Pick<ImageStore, 'get' | 'remove'> = {
    get: async (amiId) => images.find((image) => image.amiId === amiId) as MachineImage | undefined,
    remove: async (amiId) => {
      if (images.some(({ parentAmiId }) => parentAmiId === amiId)) throw new BuilderFault(`${amiId} is a parent`);
      removed.push(amiId);
    },
  };
  return { store: store as ImageStore, removed };
}

test('an AMI is removed; one that is gone already is no error, one that others are built on is', async () => {
  const { store, removed } = storeOf({ amiId: 'ami-1' }, { amiId: 'ami-2', parentAmiId: 'ami-3' }, { amiId: 'ami-3' });
  const { remove } = amis(store);
  await remove('ami-1');
  await remove('ami-none');
  assert.deepEqual(removed, ['ami-1']);
  await assert.rejects(remove('ami-3'), { name: 'BuilderFault', message: /ami-3 is a parent/ });
});

test('an AMI says where it comes from: an image, an import, or the catalogue', async () => {
  const arn = 'arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1';
  const { store } = storeOf(
    { amiId: 'ami-1', source: arn },
    { amiId: 'ami-2', source: 'import' },
    { amiId: 'ami-3', source: 'catalog:debian' },
  );
  const catalog = { list: async () => [], resolve: () => undefined, provide: () => assert.fail() };
  const { ami } = await parentImages(catalog, store);
  const origins = await Promise.all(['ami-1', 'ami-2', 'ami-3'].map(ami));
  assert.deepEqual(
    origins.map((image) => [image?.madeBy, image?.isOfCatalog]),
    [
      [arn, false],
      [undefined, false],
      [undefined, true],
    ],
  );
  assert.equal(await ami('ami-none'), undefined);
});
