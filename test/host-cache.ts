/** What Kiln finds out about a host once and keeps in its cache: homes of tests begin with it. */
import { findAccelerator } from '../src/build-host/qemu/accelerator.ts';
import { DEFAULT_PROGRAMS, qemuVersion } from '../src/build-host/qemu/programs.ts';
import { silentMonitor } from '../src/util/monitor.ts';

export interface HostCacheEnvironment {
  /** A folder like `cache` of a home. */
  readonly KILN_TEST_CACHE: string;
}

/**
 * Where KVM opens and does not work, finding that out takes three seconds.
 *
 * @param folder Of the cache; whoever asked removes it.
 */
export async function prepareHostCache(folder: string, signal: AbortSignal): Promise<HostCacheEnvironment> {
  const programs = DEFAULT_PROGRAMS;
  const version = await qemuVersion(programs, signal);
  await findAccelerator({ programs, version, cacheFolder: folder, signal, monitor: silentMonitor });
  return { KILN_TEST_CACHE: folder };
}
