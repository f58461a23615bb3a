import type { ImageStore } from '../image-store/image-store.ts';
import type { Amis } from '../resources/service.ts';

/** What the API may do to AMIs. */
export function amis(imageStore: ImageStore): Amis {
  return {
    remove: async (amiId) => {
      if ((await imageStore.get(amiId)) !== undefined) await imageStore.remove(amiId);
    },
  };
}
