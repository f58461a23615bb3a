import { CATALOG_SOURCE_PREFIX, type Catalog, type CatalogEntry, type ImageStore } from '../image-store/image-store.ts';
import type { ParentImage, ParentImages } from '../resources/service.ts';

/** What the API may know of the catalogue and of the image store. */
export async function parentImages(catalog: Catalog, imageStore: ImageStore): Promise<ParentImages> {
  const names = (await catalog.list()).map((entry) => entry.name);
  const managed = (name: string): ParentImage | undefined => {
    const entry = catalog.resolve(name);
    return entry === undefined ? undefined : ofCatalog(entry);
  };
  return {
    managed,
    listManaged: () => names.map(managed).filter((image) => image !== undefined),
    ami: async (amiId) => {
      const image = await imageStore.get(amiId);
      if (image === undefined) return undefined;
      const { name, platform, osVersion, description, source } = image;
      return {
        ...{ name, version: '1.0.0', platform, osVersion, description },
        madeBy: source.startsWith('arn:') ? source : undefined,
        isOfCatalog: source.startsWith(CATALOG_SOURCE_PREFIX),
      };
    },
  };
}

function ofCatalog({ name, version, platform, osVersion, description }: CatalogEntry): ParentImage {
  return { name, version, platform, osVersion, description };
}
