/** The Debian base image of this test run, made once by the catalogue's own bootstrap. */
import { openCatalog } from '../src/image-store/catalog/catalog.ts';
import { openImageStore } from '../src/image-store/files/store.ts';

export interface BaseImageEnvironment {
  /** An image store that holds the base image. */
  readonly KILN_TEST_STORE: string;
  /** Its disk, a qcow2. */
  readonly KILN_TEST_BASE: string;
}

/** @param folder Of the store; whoever asked removes it. */
export async function prepareBaseImage(folder: string, signal: AbortSignal): Promise<BaseImageEnvironment> {
  const imageStore = await openImageStore({ folder });
  const catalog = openCatalog({ imageStore, folder });
  const lines: string[] = [];
  const monitor = { line: (_source: string, text: string) => lines.push(text) };
  const image = await catalog.provide('debian-server-12-x86', { signal, monitor }).catch((error: unknown) => {
    throw new Error(`The base image for tests could not be made:\n${lines.slice(-30).join('\n')}`, { cause: error });
  });
  const disk = await imageStore.bootDisk(image.amiId);
  return { KILN_TEST_STORE: folder, KILN_TEST_BASE: disk.path };
}
